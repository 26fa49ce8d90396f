'use strict';
// End-to-end tests may run on an Electron that is older than the one the product is for. What that one lacks is filled in
// here, for the main process and every thread; the product itself carries nothing of this.
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const workers = require('node:worker_threads');

function define(target, name, value) {
  if (!(name in target)) {
    Object.defineProperty(target, name, { value, writable: true, configurable: true });
  }
}

define(URL, 'canParse', (text, base) => {
  try {
    return Boolean(new URL(text, base));
  } catch {
    return false;
  }
});

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  }
  return value;
});

define(require('node:zlib'), 'crc32', (data, start = 0) => {
  let crc = ~start;
  for (const byte of typeof data === 'string' ? Buffer.from(data) : data) {
    crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  }
  return ~crc >>> 0;
});

/** Space without end: tests of full disks run elsewhere. */
define(fs, 'statfsSync', (_path, options) => {
  const blocks = 2 ** 40;
  const of = { type: 0, bsize: 4096, blocks, bfree: blocks, bavail: blocks, files: blocks, ffree: blocks };
  return options?.bigint
    ? Object.fromEntries(Object.entries(of).map(([key, value]) => [key, BigInt(value)]))
    : of;
});

/**
 * The stand-in for node:sqlite has one connection to a file. Readers beside the writer get a copy of the file and of its
 * log, made anew when either has changed.
 */
const sqlite = require('node:sqlite');
const { DatabaseSync } = sqlite;

class CopyReader {
  #source;
  #dir = fs.mkdtempSync(path.join(os.tmpdir(), 'keepsync-reader-'));
  #state = '';
  #database;

  constructor(source) {
    this.#source = source;
    this.#current();
  }

  prepare(sql) {
    let of;
    let statement;
    let shape = (row) => row;
    const fresh = () => {
      const database = this.#current();
      if (database !== of) {
        of = database;
        statement = database.prepare(sql);
      }
      return statement;
    };
    return {
      setReturnArrays: (isWanted) => {
        shape = isWanted ? (row) => row && Object.values(row) : (row) => row;
      },
      get: (...values) => shape(fresh().get(...values)),
      all: (...values) =>
        fresh()
          .all(...values)
          .map(shape),
      iterate: (...values) =>
        fresh()
          .all(...values)
          .map(shape)
          [Symbol.iterator](),
    };
  }

  close() {
    this.#database?.close();
    this.#database = undefined;
    fs.rmSync(this.#dir, { recursive: true, force: true });
  }

  #current() {
    const state = ['', '-wal'].map((suffix) => stampOf(this.#source + suffix)).join();
    if (state !== this.#state) {
      this.#database?.close();
      const copy = path.join(this.#dir, 'copy.sqlite');
      for (const suffix of ['', '-wal']) {
        fs.rmSync(copy + suffix, { force: true });
        if (fs.existsSync(this.#source + suffix)) {
          fs.copyFileSync(this.#source + suffix, copy + suffix);
        }
      }
      this.#database = new DatabaseSync(copy);
      this.#state = state;
    }
    return this.#database;
  }
}

function stampOf(file) {
  try {
    const { size, mtimeMs, ino } = fs.statSync(file);
    return `${size}:${mtimeMs}:${ino}`;
  } catch {
    return '-';
  }
}

/** Rows as arrays are for who asks for them. */
function withArrays(statement) {
  if ('setReturnArrays' in statement) {
    return statement;
  }
  let shape = (row) => row;
  const [get, all] = ['get', 'all'].map((name) => statement[name].bind(statement));
  return Object.assign(statement, {
    setReturnArrays: (isWanted) => {
      shape = isWanted ? (row) => row && Object.values(row) : (row) => row;
    },
    get: (...values) => shape(get(...values)),
    all: (...values) => all(...values).map(shape),
    iterate: (...values) =>
      all(...values)
        .map(shape)
        [Symbol.iterator](),
  });
}

function openWriter(target, file, options) {
  const database = new target(file, options);
  const prepare = database.prepare.bind(database);
  return Object.assign(database, { prepare: (sql) => withArrays(prepare(sql)) });
}

sqlite.DatabaseSync = new Proxy(DatabaseSync, {
  construct: (target, [file, options]) =>
    options?.readOnly ? new CopyReader(String(file)) : openWriter(target, file, options),
});

// A server that knows its connections can end them.
const connectionsOf = new WeakMap();
for (const { Server } of [require('node:http'), require('node:https')]) {
  if (!('closeAllConnections' in Server.prototype)) {
    const { emit } = Server.prototype;
    Server.prototype.emit = function (event, ...args) {
      if (event === 'connection') {
        const [socket] = args;
        const connections = connectionsOf.get(this) ?? new Set();
        connectionsOf.set(this, connections.add(socket));
        socket.once('close', () => connections.delete(socket));
      }
      return emit.call(this, event, ...args);
    };
    Server.prototype.closeAllConnections = function () {
      for (const socket of connectionsOf.get(this) ?? []) {
        socket.destroy();
      }
    };
  }
}

// Threads begin without any of this.
const { Worker } = workers;
workers.Worker = class extends Worker {
  constructor(file, options = {}) {
    super(file, { ...options, execArgv: ['--require', __filename, ...(options.execArgv ?? [])] });
  }
};
