// The real binary, serving a scratch database as a process of its own: to be killed and started again.

import { spawn, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

import { atEnd } from './cleanup.js';

/** The top of the repository. */
export const ROOT = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../../..');

/** The binary that is tested. */
export const BINARY = process.env.COUNTERSIGN_BIN ?? path.join(ROOT, 'target/debug/countersign');

/** A server on a free port. It goes, and its files with it, when the test `t` ends. */
export async function serve(t, ...flags) {
  const server = new Server(flags);
  atEnd(t, () => server.end());
  await server.start('127.0.0.1:0');
  return server;
}

class Server {
  constructor(flags) {
    this.flags = flags;
    this.directory = mkdtempSync(path.join(tmpdir(), 'countersign-'));
    this.db = path.join(this.directory, 'test.db');
    // Nothing of this machine's own configuration is read or written.
    this.env = { HOME: this.directory, PATH: process.env.PATH };
    // With a token there the database is not new, so that no first tokens are made.
    this.token('nobody', 'auditor');
  }

  async start(address) {
    const said = [];
    const args = ['serve', '--db', this.db, '--listen', address, ...this.flags];
    this.process = spawn(BINARY, args, { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.process.stderr.on('data', (chunk) => said.push(chunk));
    for await (const line of readline.createInterface({ input: this.process.stdout })) {
      const [, url] = line.match(/^listening on (.+)$/) ?? [];
      if (url) {
        this.url = url;
        return;
      }
    }
    throw new Error(`it did not start: ${Buffer.concat(said)}`);
  }

  /** SIGKILL. */
  async kill() {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = once(this.process, 'exit');
      this.process.kill('SIGKILL');
      await ended;
    }
  }

  /** The next process on the same database and port. */
  async restart() {
    await this.start(new URL(this.url).host);
  }

  /** In its place something that answers nothing, until `text` was sent to it. */
  async deaf(text) {
    await this.kill();
    const deaf = net.createServer();
    const heard = new Promise((done) => deaf.on('connection', (socket) => {
      let sent = '';
      socket.on('error', () => socket.destroy());
      socket.on('data', (chunk) => {
        sent += chunk;
        socket.destroy();
        if (sent.includes(text)) done();
      });
    }));
    deaf.listen(new URL(this.url).port, '127.0.0.1');
    await once(deaf, 'listening');
    return { heard, end: () => new Promise((done) => deaf.close(done)) };
  }

  async end() {
    await this.kill();
    rmSync(this.directory, { recursive: true });
  }

  /** What a command of the binary prints. */
  run(...args) {
    return execFileSync(BINARY, args, { env: this.env, encoding: 'utf8' }).trim();
  }

  /** A new token of a principal. */
  token(name, role) {
    return this.run('token', 'create', '--db', this.db, '--name', name, '--role', role);
  }

  /** A client that speaks REST as a principal. */
  client(name, role) {
    return new Client(this, this.token(name, role));
  }

  agent(name = 'build-agent') {
    return this.client(name, 'agent');
  }

  approver(name = 'ada') {
    return this.client(name, 'approver');
  }
}

/** Speaks REST with one token. */
class Client {
  constructor(server, token) {
    this.server = server;
    this.token = token;
  }

  /** The body of an answer, which has to be a good one. */
  async call(method, target, body) {
    const headers = { authorization: `Bearer ${this.token}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const answer = await fetch(this.server.url + target, { method, headers, body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${target}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }

  /** Registers an interaction; it as it then stands. */
  register(registration) {
    return this.call('POST', '/v1/interactions', registration);
  }

  look(requestId) {
    return this.call('GET', `/v1/interactions/${requestId}`);
  }

  /** The interaction once it is resolved: the event that a test awaits. */
  async resolved(requestId) {
    const interaction = await this.call('GET', `/v1/interactions/${requestId}?waitMs=20000`);
    if (interaction.status === 'pending') throw new Error(`${requestId} is still pending`);
    return interaction;
  }

  confirm(requestId, decision) {
    return this.call('POST', '/v1/confirm', { requestId, decision });
  }
}
