// Receive webhooks: node receive.mjs <port> <whsec_…> [the old secret during a rotation]   (beside verify.mjs; Node 18)
import { createServer } from "node:http";
import { verify } from "./verify.mjs";

const [port, ...secrets] = process.argv.slice(2);
const BODY_BYTES_MAX = 1 << 20;
const seen = new Set(); // ids that were handled; yours in a database, with what you do

// 204: handled, now or before; 400: not the gateway's. Whatever else, and the event comes again.
createServer(async (request, response) => {
  const parts = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > BODY_BYTES_MAX) return response.writeHead(413).end();
    parts.push(part);
  }
  const body = Buffer.concat(parts); // the bytes that came, before any reading of JSON
  if (!verify(request.headers, body, secrets)) return response.writeHead(400).end();
  const event = JSON.parse(body);
  if (!seen.has(event.id)) console.log(event.type, event.subject, event.id);
  seen.add(event.id);
  response.writeHead(204).end();
}).listen(Number(port), "127.0.0.1"); // before it stands a web server with TLS
