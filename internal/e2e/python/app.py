"""A Call Automation app on Microsoft's Python packages, without a will of its own.

Whoever starts it tells it what to do, a line of JSON at a time, and hears of
every answer and every event the same way:

    in   {"id":1,"do":"play","call":"…","args":["http://…/a.wav","context"]}
    out  {"id":1,"result":{…}}  or  {"id":1,"error":{"name":"ResourceNotFoundError","statusCode":404,"code":"8522","message":"…"}}
         {"event":{"kind":"PlayStarted",…},"cloud":{…}}   what the package's model holds, and what came
         {"event":{"kind":"IncomingCall",…},"grid":{…}}   an Event Grid event

It listens on 127.0.0.1:$PORT; PROMPTS is a folder served under /prompts/.
java/src/main/java/App.java is its twin: one test drives both.
"""

import base64
import json
import logging
import os
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from azure.communication.callautomation import (
    CallAutomationClient,
    FileSource,
    PhoneNumberIdentifier,
    RecognizeInputType,
    RecordingChannel,
    RecordingContent,
    RecordingFormat,
)
from azure.communication.callautomation._generated import models  # the only models of events that the package has
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent

PREFIX = "Microsoft.Communication."
writing = threading.Lock()
client = None


def say(line):
    with writing:
        print(json.dumps(line), flush=True)


def connection(properties):
    return {
        "callConnectionId": properties.call_connection_id,
        "serverCallId": properties.server_call_id,
        "correlationId": properties.correlation_id,
        "state": properties.call_connection_state,
        "callbackUrl": properties.callback_url,
        "source": properties.source and properties.source.raw_id,
        "targets": [target.raw_id for target in properties.targets],
    }


def participant(p):
    return {"rawId": p.identifier.raw_id, "kind": p.identifier.kind, "isMuted": p.is_muted}


class Commands:
    """What a line may ask for; the arguments are the line's call and args."""

    def connect(self, _, connection_string):
        global client
        client = CallAutomationClient.from_connection_string(connection_string)

    def connectTo(self, _, endpoint, key):
        """From a connection string the package makes HTTPS of every endpoint; from its parts it does not."""
        global client
        client = CallAutomationClient(endpoint, AzureKeyCredential(key))

    def answer(self, _, incoming, callback, context):
        return connection(client.answer_call(incoming, callback, operation_context=context))

    def properties(self, call):
        return connection(client.get_call_connection(call).get_call_properties())

    def participants(self, call):
        return {"all": [participant(p) for p in client.get_call_connection(call).list_participants()]}

    def participant(self, call, number):
        return participant(client.get_call_connection(call).get_participant(PhoneNumberIdentifier(number)))

    def play(self, call, url, context):
        client.get_call_connection(call).play_media([FileSource(url=url)], operation_context=context)

    def recognize(self, call, number, tones, prompt, context):
        client.get_call_connection(call).start_recognizing_media(
            RecognizeInputType.DTMF,
            PhoneNumberIdentifier(number),
            dtmf_max_tones_to_collect=tones,
            dtmf_inter_tone_timeout=5,
            initial_silence_timeout=20,
            interrupt_prompt=True,
            play_prompt=FileSource(url=prompt),
            operation_context=context,
        )

    def record(self, _, server_call, callback):
        r = client.start_recording(
            server_call_id=server_call,
            recording_state_callback_url=callback,
            recording_content_type=RecordingContent.AUDIO,
            recording_channel_type=RecordingChannel.UNMIXED,
            recording_format_type=RecordingFormat.WAV,
        )
        return {"recordingId": r.recording_id, "state": r.recording_state}

    def recordingState(self, _, recording):
        return {"state": client.get_recording_properties(recording).recording_state}

    def stopRecording(self, _, recording):
        client.stop_recording(recording)

    def download(self, _, location):
        return {"wav": base64.b64encode(client.download_recording(location).read()).decode()}

    def delete(self, _, location):
        client.delete_recording(location)

    def hangUp(self, call, everyone):
        client.get_call_connection(call).hang_up(everyone)


def obey(line):
    try:
        do = getattr(Commands(), line["do"])
        say({"id": line["id"], "result": do(line.get("call"), *line["args"])})
    except HttpResponseError as e:
        say({"id": line["id"], "error": {"name": type(e).__name__, "statusCode": e.status_code, "code": e.error and e.error.code, "message": e.message}})
    except Exception as e:  # what the package itself refuses
        say({"id": line["id"], "error": {"name": type(e).__name__, "message": str(e)}})


def grid_event(raw):
    event = EventGridEvent.from_dict(raw)
    if event.event_type == "Microsoft.EventGrid.SubscriptionValidationEvent":
        say({"event": {"kind": "SubscriptionValidation"}, "grid": raw})
        return {"validationResponse": event.data["validationCode"]}
    say({"event": {**event.data, "kind": event.event_type.removeprefix(PREFIX), "time": event.event_time.isoformat()}, "grid": raw})


def callback(raw):
    cloud = CloudEvent.from_dict(raw)
    kind = cloud.type.removeprefix(PREFIX)
    model = getattr(models, kind).deserialize(cloud.data)
    say({"event": {**model.serialize(keep_readonly=True), "kind": kind, "time": cloud.time.isoformat()}, "cloud": raw})


class Web(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        file = Path(os.environ["PROMPTS"], Path(self.path).name)
        if self.path.startswith("/prompts/") and file.is_file():
            self.reply(200, file.read_bytes(), "audio/wav")
        else:
            self.reply(404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        read = grid_event if self.path.startswith("/events") else callback
        try:
            answers = [read(raw) for raw in json.loads(body)]
            self.reply(200, json.dumps(answers[0]).encode() if answers[0] else b"")
        except Exception as e:
            say({"event": {"kind": "Unparsable", "message": f"{type(e).__name__}: {e}", "body": body.decode()}})
            self.reply(400)

    def reply(self, status, body=b"", kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Doubts(logging.Handler):
    """Tells of what the models read, but with a warning: a word that their enums lack."""

    def emit(self, record):
        say({"event": {"kind": "Unparsable", "message": record.getMessage()}})


def lookup(host, *rest, find=socket.getaddrinfo, **more):
    """Does what a line in /etc/hosts would: the package fetches recordings from hosts of this domain alone."""
    return find("127.0.0.1" if str(host).endswith(".asm.skype.com") else host, *rest, **more)


socket.getaddrinfo = lookup
logging.getLogger("azure.communication").addHandler(Doubts(logging.WARNING))
web = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Web)
web.daemon_threads = True
threading.Thread(target=web.serve_forever, daemon=True).start()
say({"event": {"kind": "Ready"}})
for line in sys.stdin:
    obey(json.loads(line))
