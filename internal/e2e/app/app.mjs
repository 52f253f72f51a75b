// A Call Automation app without a will of its own: whoever starts it tells it,
// a line of JSON at a time, which method of the SDK to call, and hears of every
// answer and every event the same way.
//
//   in   {"id":1,"on":"client","do":"answerCall","args":["…"]}
//        {"id":2,"on":"media","call":"…","do":"playToAll","args":[…]}
//        on: client, connection, media, recording, or app: see receivers
//   out  {"id":1,"result":{…}}    or {"id":1,"error":{"statusCode":409,"code":"8519","message":"…"}}
//        {"event":{"kind":"CallConnected",…},"cloud":{…},"headers":{…}}   what the SDK's parser makes of a callback
//        {"event":{"kind":"IncomingCall",…},"grid":{…}}                   an Event Grid event
//
// It listens on file descriptor 3, or on 127.0.0.1:$PORT; PROMPTS is a folder
// served under /prompts/.
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { CallAutomationClient, parseCallAutomationEvent } from "@azure/communication-call-automation";

let client;
let refusals = 0;
let everyone;
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

// What a command is called on.
const receivers = {
  app: () => ({
    connect: (connectionString, options) => void (client = new CallAutomationClient(connectionString, options)),
    refuse: (times) => void (refusals = times), // the next callbacks get 503
    answerAll: (callbackUrl) => void (everyone = callbackUrl), // from now on, without being told
  }),
  client: () => client,
  connection: (call) => client.getCallConnection(call),
  media: (call) => client.getCallConnection(call).getCallMedia(),
  recording: () => client.getCallRecording(),
};

async function obey({ id, on, call, do: method, args = [] }) {
  try {
    const receiver = receivers[on](call);
    if (typeof receiver?.[method] !== "function") throw new Error(`${on} has no method ${method}`);
    const { callConnection, ...result } = (await receiver[method](...args)) ?? {}; // the former is a client, not data
    say({ id, result });
  } catch (e) {
    say({ id, error: { name: e.name, statusCode: e.statusCode, code: e.code, message: e.message } });
  }
}

function gridEvent(event, res) {
  if (event.eventType === "Microsoft.EventGrid.SubscriptionValidationEvent") {
    say({ event: { kind: "SubscriptionValidation" }, grid: event });
    return res.end(JSON.stringify({ validationResponse: event.data.validationCode }));
  }
  say({ event: { ...event.data, kind: event.eventType.replace("Microsoft.Communication.", "") }, grid: event });
  if (everyone && event.data.incomingCallContext)
    client.answerCall(event.data.incomingCallContext, everyone).catch((e) => say({ event: { kind: "NotAnswered", message: e.message } }));
  res.end();
}

function callback(cloud, headers, res) {
  if (refusals > 0) {
    refusals--;
    say({ event: { kind: "Refused" }, cloud, headers });
    return res.writeHead(503).end();
  }
  try {
    say({ event: parseCallAutomationEvent(structuredClone(cloud)), cloud, headers });
  } catch (e) {
    say({ event: { kind: "Unparsable", message: e.message }, cloud, headers });
  }
  res.end();
}

async function serve(req, res) {
  const { pathname } = new URL(req.url, "http://app");
  if (pathname.startsWith("/prompts/")) {
    const file = createReadStream(join(process.env.PROMPTS, basename(pathname)));
    file.on("open", () => res.setHeader("content-type", "audio/wav"));
    file.on("error", () => res.writeHead(404).end());
    return file.pipe(res);
  }
  let body = "";
  for await (const chunk of req) body += chunk;
  const events = [JSON.parse(body)].flat();
  for (const event of events) {
    if (pathname.startsWith("/events")) gridEvent(event, res);
    else callback(event, req.headers, res);
  }
}

const server = createServer((req, res) =>
  serve(req, res).catch((e) => {
    say({ event: { kind: "BadRequest", message: `${req.method} ${req.url}: ${e.message}` } });
    res.writeHead(400).end();
  }),
);
server.listen(process.env.PORT ? { host: "127.0.0.1", port: Number(process.env.PORT) } : { fd: 3 }, () => say({ event: { kind: "Ready" } }));
createInterface({ input: process.stdin })
  .on("line", (line) => obey(JSON.parse(line)))
  .on("close", () => process.exit(0));
