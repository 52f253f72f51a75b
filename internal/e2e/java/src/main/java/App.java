import com.azure.communication.callautomation.CallAutomationClient;
import com.azure.communication.callautomation.CallAutomationClientBuilder;
import com.azure.communication.callautomation.CallAutomationEventParser;
import com.azure.communication.callautomation.CallConnection;
import com.azure.communication.callautomation.models.AnswerCallOptions;
import com.azure.communication.callautomation.models.CallConnectionProperties;
import com.azure.communication.callautomation.models.CallMediaRecognizeDtmfOptions;
import com.azure.communication.callautomation.models.CallParticipant;
import com.azure.communication.callautomation.models.DtmfResult;
import com.azure.communication.callautomation.models.DtmfTone;
import com.azure.communication.callautomation.models.FileSource;
import com.azure.communication.callautomation.models.PlayToAllOptions;
import com.azure.communication.callautomation.models.RecordingChannel;
import com.azure.communication.callautomation.models.RecordingContent;
import com.azure.communication.callautomation.models.RecordingFormat;
import com.azure.communication.callautomation.models.RecordingStateResult;
import com.azure.communication.callautomation.models.ServerCallLocator;
import com.azure.communication.callautomation.models.StartRecordingOptions;
import com.azure.communication.callautomation.models.events.CallAutomationEventBase;
import com.azure.communication.callautomation.models.events.CallAutomationEventBaseWithReasonCode;
import com.azure.communication.callautomation.models.events.ParticipantsUpdated;
import com.azure.communication.callautomation.models.events.RecognizeCompleted;
import com.azure.communication.callautomation.models.events.RecordingStateChanged;
import com.azure.communication.common.CommunicationIdentifier;
import com.azure.communication.common.PhoneNumberIdentifier;
import com.azure.core.exception.HttpResponseException;
import com.azure.core.models.CloudEvent;
import com.azure.core.util.Context;
import com.azure.messaging.eventgrid.EventGridEvent;
import com.azure.messaging.eventgrid.systemevents.AcsIncomingCallEventData;
import com.azure.messaging.eventgrid.systemevents.AcsRecordingFileStatusUpdatedEventData;
import com.azure.messaging.eventgrid.systemevents.SubscriptionValidationEventData;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;

/**
 * A Call Automation app on Microsoft's Java packages, without a will of its own. It reads the
 * lines, prints the lines and serves what its twin python/app.py does, which describes them; one
 * test drives both.
 */
public final class App {
    private static final String PREFIX = "Microsoft.Communication.";
    private static final ObjectMapper JSON = new ObjectMapper();
    private static CallAutomationClient client;

    public static void main(String[] none) throws IOException {
        HttpServer web = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(System.getenv("PORT"))), 0);
        web.createContext("/prompts/", App::prompt);
        web.createContext("/events", App::events);
        web.createContext("/callbacks", App::callbacks);
        web.setExecutor(Executors.newCachedThreadPool());
        web.start();
        say(Map.of("event", Map.of("kind", "Ready")));
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            obey(JSON.readTree(line));
        }
        System.exit(0);
    }

    private static synchronized void say(Map<String, ?> line) throws IOException {
        System.out.println(JSON.writeValueAsString(line));
    }

    private static void obey(JsonNode line) throws IOException {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("id", line.get("id").asInt());
        try {
            answer.put("result", run(line.get("do").asText(), line.path("call").asText(), line.get("args")));
        } catch (HttpResponseException e) {
            answer.put("error", object("name", e.getClass().getSimpleName(), "statusCode", e.getResponse().getStatusCode(),
                "code", JSON.valueToTree(e.getValue()).at("/error/code").asText(), "message", e.getMessage()));
        } catch (RuntimeException e) { // what the package itself refuses
            answer.put("error", object("name", e.getClass().getSimpleName(), "message", String.valueOf(e.getMessage())));
        }
        say(answer);
    }

    /** Does what a line asks for. */
    private static Object run(String command, String call, JsonNode args) {
        return switch (command) {
            case "connect" -> {
                client = new CallAutomationClientBuilder().connectionString(text(args, 0)).buildClient();
                yield null;
            }
            case "answer" -> connection(client.answerCallWithResponse(
                new AnswerCallOptions(text(args, 0), text(args, 1)).setOperationContext(text(args, 2)),
                Context.NONE).getValue().getCallConnectionProperties());
            case "properties" -> connection(at(call).getCallProperties());
            case "participants" -> object("all", at(call).listParticipants().stream().map(App::participant).toList());
            case "participant" -> participant(at(call).getParticipant(new PhoneNumberIdentifier(text(args, 0))));
            case "play" -> at(call).getCallMedia().playToAllWithResponse(
                new PlayToAllOptions(file(text(args, 0))).setOperationContext(text(args, 1)), Context.NONE).getValue();
            case "recognize" -> {
                CallMediaRecognizeDtmfOptions options = new CallMediaRecognizeDtmfOptions(new PhoneNumberIdentifier(text(args, 0)), args.get(1).asInt());
                options.setInterToneTimeout(Duration.ofSeconds(5)).setInitialSilenceTimeout(Duration.ofSeconds(20))
                    .setInterruptPrompt(true).setPlayPrompt(file(text(args, 2))).setOperationContext(text(args, 3));
                at(call).getCallMedia().startRecognizing(options);
                yield null;
            }
            case "record" -> recording(client.getCallRecording().start(new StartRecordingOptions(new ServerCallLocator(text(args, 0)))
                .setRecordingStateCallbackUrl(text(args, 1)).setRecordingContent(RecordingContent.AUDIO)
                .setRecordingChannel(RecordingChannel.UNMIXED).setRecordingFormat(RecordingFormat.WAV)));
            case "recordingState" -> recording(client.getCallRecording().getState(text(args, 0)));
            case "stopRecording" -> {
                client.getCallRecording().stop(text(args, 0));
                yield null;
            }
            case "download" -> object("wav", client.getCallRecording().downloadContent(text(args, 0)).toBytes());
            case "delete" -> {
                client.getCallRecording().delete(text(args, 0));
                yield null;
            }
            case "hangUp" -> {
                at(call).hangUp(args.get(0).asBoolean());
                yield null;
            }
            default -> throw new IllegalArgumentException("no command " + command);
        };
    }

    private static CallConnection at(String call) {
        return client.getCallConnection(call);
    }

    private static FileSource file(String url) {
        return new FileSource().setUrl(url);
    }

    private static String text(JsonNode args, int i) {
        return args.get(i).asText();
    }

    private static Map<String, Object> object(Object... namesAndValues) {
        Map<String, Object> o = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            o.put((String) namesAndValues[i], namesAndValues[i + 1]);
        }
        return o;
    }

    private static Map<String, Object> connection(CallConnectionProperties p) {
        return object("callConnectionId", p.getCallConnectionId(), "serverCallId", p.getServerCallId(), "correlationId", p.getCorrelationId(),
            "state", p.getCallConnectionState().toString(), "callbackUrl", p.getCallbackUrl(),
            "source", p.getSource() == null ? null : p.getSource().getRawId(),
            "targets", p.getTargetParticipants().stream().map(CommunicationIdentifier::getRawId).toList());
    }

    private static Map<String, Object> participant(CallParticipant p) {
        String kind = p.getIdentifier() instanceof PhoneNumberIdentifier ? "phone_number" : p.getIdentifier().getClass().getSimpleName();
        return object("rawId", p.getIdentifier().getRawId(), "kind", kind, "isMuted", p.isMuted());
    }

    private static Map<String, Object> recording(RecordingStateResult r) {
        return object("recordingId", r.getRecordingId(), "state", r.getRecordingState().toString());
    }

    /** Takes callbacks: the package's parser makes its models of them. */
    private static void callbacks(HttpExchange web) throws IOException {
        String body = new String(web.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        List<CloudEvent> clouds = CloudEvent.fromString(body);
        List<CallAutomationEventBase> models = CallAutomationEventParser.parseEvents(body);
        for (int i = 0; i < clouds.size(); i++) {
            CallAutomationEventBase model = i < models.size() ? models.get(i) : null;
            Map<String, Object> event = model == null ? object("kind", "Unknown") : callback(model);
            event.put("type", clouds.get(i).getType().replace(PREFIX, ""));
            event.put("time", String.valueOf(clouds.get(i).getTime()));
            say(object("event", event, "cloud", JSON.readTree(body).get(i)));
        }
        reply(web, 200, new byte[0]);
    }

    private static Map<String, Object> callback(CallAutomationEventBase e) {
        Map<String, Object> o = object("kind", e.getClass().getSimpleName(), "callConnectionId", e.getCallConnectionId(),
            "serverCallId", e.getServerCallId(), "correlationId", e.getCorrelationId(), "operationContext", e.getOperationContext());
        if (e instanceof CallAutomationEventBaseWithReasonCode r && r.getResultInformation() != null) {
            o.put("resultInformation", object("code", r.getResultInformation().getCode(),
                "subCode", r.getResultInformation().getSubCode(), "message", r.getResultInformation().getMessage()));
        }
        if (e instanceof ParticipantsUpdated p) {
            o.put("participants", p.getParticipants().stream().map(App::participant).toList());
        } else if (e instanceof RecognizeCompleted r && r.getRecognizeResult().orElse(null) instanceof DtmfResult d) {
            o.put("dtmfResult", object("tones", d.getTones().stream().map(DtmfTone::toString).toList()));
        } else if (e instanceof RecordingStateChanged r) {
            o.put("recordingId", r.getRecordingId());
            o.put("state", String.valueOf(r.getRecordingState()));
            o.put("startDateTime", String.valueOf(r.getStartDateTime()));
        }
        return o;
    }

    /** Takes Event Grid's events, with the models of its own package. */
    private static void events(HttpExchange web) throws IOException {
        String body = new String(web.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        byte[] answer = new byte[0];
        for (EventGridEvent grid : EventGridEvent.fromString(body)) {
            Map<String, Object> event = object("kind", grid.getEventType().replace(PREFIX, ""), "time", String.valueOf(grid.getEventTime()));
            switch (grid.getEventType()) {
                case "Microsoft.EventGrid.SubscriptionValidationEvent" -> {
                    event.put("kind", "SubscriptionValidation");
                    String code = grid.getData().toObject(SubscriptionValidationEventData.class).getValidationCode();
                    answer = JSON.writeValueAsBytes(Map.of("validationResponse", code));
                }
                case PREFIX + "IncomingCall" -> {
                    AcsIncomingCallEventData call = grid.getData().toObject(AcsIncomingCallEventData.class);
                    event.put("from", object("rawId", call.getFromCommunicationIdentifier().getRawId()));
                    event.put("to", object("rawId", call.getToCommunicationIdentifier().getRawId()));
                    event.put("incomingCallContext", call.getIncomingCallContext());
                    event.put("serverCallId", call.getServerCallId());
                    event.put("correlationId", call.getCorrelationId());
                }
                case PREFIX + "RecordingFileStatusUpdated" -> {
                    AcsRecordingFileStatusUpdatedEventData file = grid.getData().toObject(AcsRecordingFileStatusUpdatedEventData.class);
                    event.put("recordingChannelType", String.valueOf(file.getRecordingChannelType()));
                    event.put("recordingContentType", String.valueOf(file.getRecordingContentType()));
                    event.put("recordingFormatType", String.valueOf(file.getRecordingFormatType()));
                    event.put("recordingStartTime", String.valueOf(file.getRecordingStartTime()));
                    event.put("recordingDurationMs", file.getRecordingDuration().toMillis());
                    event.put("recordingStorageInfo", object("recordingChunks", file.getRecordingStorageInfo().getRecordingChunks().stream().map(chunk ->
                        object("documentId", chunk.getDocumentId(), "contentLocation", chunk.getContentLocation(),
                            "metadataLocation", chunk.getMetadataLocation(), "deleteLocation", chunk.getDeleteLocation())).toList()));
                }
                default -> { }
            }
            say(object("event", event, "grid", JSON.readTree(body).get(0)));
        }
        reply(web, 200, answer);
    }

    private static void prompt(HttpExchange web) throws IOException {
        Path file = Path.of(System.getenv("PROMPTS"), Path.of(web.getRequestURI().getPath()).getFileName().toString());
        if (Files.isRegularFile(file)) {
            web.getResponseHeaders().set("Content-Type", "audio/wav");
            reply(web, 200, Files.readAllBytes(file));
        } else {
            reply(web, 404, new byte[0]);
        }
    }

    private static void reply(HttpExchange web, int status, byte[] body) throws IOException {
        try (web) {
            web.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
            web.getResponseBody().write(body);
        }
    }
}
