// A Call Automation app that answers every call, plays a prompt and hangs up,
// on Microsoft's client. Its events come through a front that has accepted them
// (../storm), some of them twice.
//
//   in   {"id":1,"do":"connect","args":["endpoint=…","options"]}
//        {"id":2,"do":"answerWith","args":[["http://…","http://…"],"http://…/prompt.wav"]}
//   out  {"id":1,"result":{}}
//        {"event":{"kind":"Broken","message":"…"}}    something that must not happen
//
// It listens on 127.0.0.1:$PORT: events under /events, callbacks under /callbacks.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { CallAutomationClient, parseCallAutomationEvent } from "@azure/communication-call-automation";

let client;
let callbacks = [];
let prompt;
let answered = 0;
const seen = new Set();
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const broken = (what) => (e) => say({ event: { kind: "Broken", message: `${what}: ${e.name} ${e.statusCode} ${e.code} ${e.message}` } });

const commands = {
  connect: (connectionString, options) => void (client = new CallAutomationClient(connectionString, options)),
  answerWith: (urls, promptUrl) => void ([callbacks, prompt] = [urls, promptUrl]),
};

function rings({ eventType, data }) {
  if (eventType !== "Microsoft.Communication.IncomingCall") return;
  client.answerCall(data.incomingCallContext, callbacks[answered++ % callbacks.length]).catch(broken("answerCall"));
}

function happens(cloud) {
  if (seen.has(cloud.id)) return;
  seen.add(cloud.id);
  const event = parseCallAutomationEvent(cloud);
  const call = client.getCallConnection(event.callConnectionId);
  if (event.kind === "CallConnected")
    call
      .getCallMedia()
      .playToAll([{ kind: "fileSource", url: prompt, playSourceCacheId: "prompt" }], { operationContext: `play ${event.callConnectionId}` })
      .catch(broken("playToAll"));
  else if (event.kind === "PlayCompleted") call.hangUp(true).catch(broken("hangUp"));
  else if (event.kind.endsWith("Failed")) say({ event: { kind: "Broken", message: JSON.stringify(event) } });
}

createServer(async (req, res) => {
  let body = "";
  for await (const chunk of req) body += chunk;
  for (const event of JSON.parse(body)) (req.url === "/events" ? rings : happens)(event);
  res.end();
}).listen(Number(process.env.PORT), "127.0.0.1", () => say({ event: { kind: "Ready" } }));
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { id, do: what, args = [] } = JSON.parse(line);
    commands[what](...args);
    say({ id, result: {} });
  })
  .on("close", () => process.exit(0));
