// Reads and writes Sparkplug B payloads with what Eclipse Tahu made of its sparkplug_b.proto.
// node tahu.mjs FOLDER-WITH-NODE_MODULES      a line in: {"decode": base64} or {"encode": object}; a line out: the other
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const require = createRequire(pathToFileURL(`${process.argv[2]}/`))
const { Payload } = require('sparkplug-payload/lib/sparkplugPayloadProto.js').org.eclipse.tahu.protobuf

function answer({ decode, encode }) {
  if (encode) return Buffer.from(Payload.encode(Payload.fromObject(encode)).finish()).toString('base64')
  return Payload.toObject(Payload.decode(Buffer.from(decode, 'base64')), { longs: Number })
}

for await (const line of createInterface({ input: process.stdin })) {
  let said
  try {
    said = { answer: answer(JSON.parse(line)) }
  } catch (error) {
    said = { error: String(error) }
  }
  process.stdout.write(`${JSON.stringify(said)}\n`)
}
