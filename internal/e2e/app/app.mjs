// A Call Automation app without a will of its own: whoever starts it tells it,
// a line of JSON at a time, which method of the SDK to call, and hears of every
// answer and every event the same way.
//
//   in   {"id":1,"on":"client","do":"answerCall","args":["…"]}
//        {"id":2,"on":"media","call":"…","do":"playToAll","args":[…]}
//        on: client, connection, media, recording, stream, or app: see receivers
//   out  {"id":1,"result":{…}}    or {"id":1,"error":{"statusCode":409,"code":"8519","message":"…"}}
//        {"event":{"kind":"CallConnected",…},"cloud":{…},"headers":{…}}   what the SDK's parser makes of a callback
//        {"event":{"kind":"IncomingCall",…},"grid":{…},"headers":{…}}     an Event Grid event
//        {"event":{"kind":"Fetched","name":"menu.wav"}}                   a prompt was downloaded
//        {"event":{"kind":"StreamOpened","stream":0,"headers":{…}}}       a websocket of media streaming; its
//        {"event":{"kind":"StreamClosed","stream":0,"code":1000}}         frames are kept until asked for
//
// It listens on file descriptor 3, or on 127.0.0.1:$PORT; PROMPTS is a folder
// served under /prompts/. A websocket on any path is a stream.
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import {
  CallAutomationClient,
  createOutboundAudioData,
  createOutboundStopAudioData,
  parseCallAutomationEvent,
  StreamingData,
} from "@azure/communication-call-automation";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { WebSocketServer } from "ws";

let client;
let refusals = 0;
let everyone;
const streams = [];
const keySets = {}; // of issuers, by their address
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

// What a command is called on.
const receivers = {
  app: () => ({
    connect: (connectionString, options) => void (client = new CallAutomationClient(connectionString, options)),
    connectWith: (endpoint, token) =>
      void (client = new CallAutomationClient(endpoint, { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3600e3 }) })),
    verify: async (token, openid, audience) => {
      const { issuer, jwks_uri } = await (await fetch(openid)).json();
      const keys = (keySets[jwks_uri] ??= createRemoteJWKSet(new URL(jwks_uri), { cooldownDuration: 0 }));
      return await jwtVerify(token, keys, { issuer, audience, algorithms: ["RS256"] });
    },
    refuse: (times) => void (refusals = times), // the next callbacks get 503
    answerAll: (callbackUrl) => void (everyone = callbackUrl), // from now on, without being told
  }),
  client: () => client,
  connection: (call) => client.getCallConnection(call),
  media: (call) => client.getCallConnection(call).getCallMedia(),
  recording: () => client.getCallRecording(),
  stream: (number) => streams[number], // by order of arrival, in "call"
};

async function obey({ id, on, call, do: method, args = [] }) {
  try {
    const receiver = receivers[on](call);
    if (typeof receiver?.[method] !== "function") throw new Error(`${on} has no method ${method}`);
    const { callConnection, key, ...result } = (await receiver[method](...args)) ?? {}; // a client and a key are not data
    say({ id, result });
  } catch (e) {
    say({ id, error: { name: e.name, statusCode: e.statusCode, code: e.code, message: e.message } });
  }
}

function gridEvent(event, headers, res) {
  if (event.eventType === "Microsoft.EventGrid.SubscriptionValidationEvent") {
    say({ event: { kind: "SubscriptionValidation" }, grid: event });
    return res.end(JSON.stringify({ validationResponse: event.data.validationCode }));
  }
  say({ event: { ...event.data, kind: event.eventType.replace("Microsoft.Communication.", "") }, grid: event, headers });
  if (everyone && event.data.incomingCallContext)
    client.answerCall(event.data.incomingCallContext, everyone).catch((e) => say({ event: { kind: "NotAnswered", message: e.message } }));
  res.end();
}

function callback(cloud, path, headers, res) {
  if (refusals > 0) {
    refusals--;
    say({ event: { kind: "Refused" }, cloud, headers });
    return res.writeHead(503).end();
  }
  try {
    say({ event: { ...parseCallAutomationEvent(structuredClone(cloud)), path }, cloud, headers });
  } catch (e) {
    say({ event: { kind: "Unparsable", message: e.message }, cloud, headers });
  }
  res.end();
}

// A stream keeps every frame as the SDK parses it, and can speak.
function stream(socket, req) {
  const frames = [];
  const number = streams.push({
    frames: () => ({ frames }),
    say: (base64, bytes = 640) => {
      const pcm = Buffer.from(base64, "base64");
      for (let at = 0; at < pcm.length; at += bytes) socket.send(createOutboundAudioData(pcm.subarray(at, at + bytes).toString("base64")));
    },
    stopAudio: () => socket.send(createOutboundStopAudioData()),
    send: (text) => socket.send(text),
    break: () => socket.terminate(), // as a crash would
  });
  socket.on("message", (data, binary) => {
    try {
      const parsed = StreamingData.parse(data);
      frames.push({ kind: StreamingData.getStreamingKind(), ...parsed, binary });
    } catch (e) {
      frames.push({ kind: "Unparsable", message: e.message });
    }
  });
  socket.on("close", (code) => say({ event: { kind: "StreamClosed", stream: number - 1, code } }));
  say({ event: { kind: "StreamOpened", stream: number - 1, path: req.url, headers: req.headers } });
}

async function serve(req, res) {
  const { pathname } = new URL(req.url, "http://app");
  if (pathname.startsWith("/prompts/")) {
    const file = createReadStream(join(process.env.PROMPTS, basename(pathname)));
    file.on("open", () => res.setHeader("content-type", "audio/wav"));
    file.on("error", () => res.writeHead(404).end());
    res.on("close", () => say({ event: { kind: "Fetched", name: basename(pathname) } }));
    return file.pipe(res);
  }
  let body = "";
  for await (const chunk of req) body += chunk;
  const events = [JSON.parse(body)].flat();
  for (const event of events) {
    if (pathname.startsWith("/events")) gridEvent(event, req.headers, res);
    else callback(event, req.url, req.headers, res);
  }
}

const server = createServer((req, res) =>
  serve(req, res).catch((e) => {
    say({ event: { kind: "BadRequest", message: `${req.method} ${req.url}: ${e.message}` } });
    res.writeHead(400).end();
  }),
);
new WebSocketServer({ server }).on("connection", stream);
server.listen(process.env.PORT ? { host: "127.0.0.1", port: Number(process.env.PORT) } : { fd: 3 }, () => say({ event: { kind: "Ready" } }));
createInterface({ input: process.stdin })
  .on("line", (line) => obey(JSON.parse(line)))
  .on("close", () => process.exit(0));
