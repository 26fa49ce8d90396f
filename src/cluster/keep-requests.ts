import type { IncomingMessage, ServerResponse } from 'node:http';
import { newRequestId } from '../base/random.ts';
import { BLOCK_LIMIT_BYTES } from '../keep/locator.ts';
import { signLocator, verifySignature } from '../keep/signature.ts';
import { tokenOf } from './bearer-token.ts';
import type { BlockFolder } from './block-folder.ts';
import { BlockReceiver, type ReceiveOutcome } from './block-receiver.ts';
import { sendBlock } from './block-sender.ts';
import { applyFault } from './faults.ts';
import type { KeepServerPorts, KeepServerSettings } from './keep-settings.ts';

/** What a Keep server answers, request by request, as keepstore does. */
export class KeepRequests {
  readonly #settings: KeepServerSettings;
  readonly #ports: KeepServerPorts;
  readonly #folder: BlockFolder;

  constructor(settings: KeepServerSettings, ports: KeepServerPorts, folder: BlockFolder) {
    this.#settings = settings;
    this.#ports = ports;
    this.#folder = folder;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    // cut connections are the client's to report
    request.on('error', () => response.destroy());
    this.#answer(request, response).catch((thrown: unknown) => {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      this.#ports.log.log('error', 'A Keep request failed', { server: this.#settings.index, error: message });
      if (response.headersSent) {
        response.destroy();
      } else {
        const isFull = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOSPC';
        say(request, response, isFull ? 507 : 500, isFull ? 'Full' : 'Internal error');
      }
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const given = request.headers['x-request-id'];
    const requestId = typeof given === 'string' && given !== '' ? given : newRequestId();
    response.setHeader('X-Request-Id', requestId);
    const method = request.method ?? 'GET';
    const fault = this.#ports.onRequest?.({
      server: 'keep',
      serverIndex: this.#settings.index,
      method,
      path: url.pathname,
      requestId,
    });
    if (!(await applyFault(fault, request, response, this.#ports.clock))) {
      return;
    }
    const token = tokenOf(request, url);
    const path = decodeURIComponent(url.pathname.slice(1));
    const block = /^([0-9a-f]{32})((?:\+[^/]*)?)$/.exec(path);
    if (method === 'PUT' && block) {
      await this.#put(request, response, block[1] ?? '', token);
    } else if ((method === 'GET' || method === 'HEAD') && block) {
      await this.#get(request, response, path, token);
    } else if (method === 'TOUCH' || method === 'DELETE' || path === 'trash' || path === 'pull') {
      this.#refuseMaintenance(request, response, token);
    } else if (method === 'GET') {
      this.#service(request, response, path, token, url);
    } else {
      say(
        request,
        response,
        method === 'POST' || method === 'PUT' || method === 'HEAD' ? 400 : 405,
        'Bad request',
      );
    }
  }

  async #put(
    request: IncomingMessage,
    response: ServerResponse,
    hash: string,
    token: string | undefined,
  ): Promise<void> {
    const declared = request.headers['content-length'];
    const declaredBytes = declared === undefined ? 0 : Number(declared);
    if (declaredBytes > BLOCK_LIMIT_BYTES) {
      say(request, response, 413, 'Block is too big');
      return;
    }
    const header = request.headers['x-keep-storage-classes'];
    const named = String(header ?? '')
      .split(',')
      .map((name) => name.trim());
    const asked = named.filter((name) => name !== '');
    const wanted = asked.length > 0 ? asked : this.#settings.defaultClasses;
    const hasClass = wanted.some((name) => this.#settings.classes.includes(name));
    if (this.#settings.isReadOnly || !hasClass) {
      say(request, response, 507, 'Full: no writable volume of the wanted storage class');
      return;
    }
    const receiver = new BlockReceiver(this.#folder, hash);
    if (receiver.isNew && this.#folder.isFull(declaredBytes)) {
      await receiver.abort();
      say(request, response, 507, 'Full');
      return;
    }
    const received = await receive(request, receiver);
    if (received === 'gone') {
      return;
    }
    if (received === 'tooLarge') {
      say(request, response, 413, 'Block is too big');
      return;
    }
    switch (received.kind) {
      case 'wrongHash':
        say(request, response, 400, 'Hash does not match the content');
        return;
      case 'collision':
        say(request, response, 500, 'Hash collision: other bytes are stored under this hash');
        return;
      case 'stored': {
        const locator = `${hash}+${received.sizeBytes}`;
        response.setHeader('X-Keep-Replicas-Stored', '1');
        const confirmed = [...this.#settings.classes].sort().map((name) => `${name}=1`);
        response.setHeader('X-Keep-Storage-Classes-Confirmed', confirmed.join(', '));
        const { blobSigningKey: key, blobSigningTtlSeconds: ttl } = this.#settings;
        const expiry = Math.floor(this.#ports.clock.nowMs() / 1000) + ttl;
        say(
          request,
          response,
          200,
          token === undefined ? locator : signLocator(key, token, locator, expiry, ttl),
        );
      }
    }
  }

  async #get(
    request: IncomingMessage,
    response: ServerResponse,
    locator: string,
    token: string | undefined,
  ): Promise<void> {
    const isHead = request.method === 'HEAD';
    request.resume();
    if (token === undefined) {
      say(request, response, 401, 'No token');
      return;
    }
    const parts = locator.split('+');
    const hash = parts[0] ?? '';
    const hasSize = /^[0-9]+$/.test(parts[1] ?? '');
    if (!hasSize && !isHead) {
      say(request, response, 405, 'No size in the locator');
      return;
    }
    const full = hasSize ? locator : [hash, '0', ...parts.slice(1)].join('+');
    if (!/^[0-9a-f]{32}\+[0-9]+(\+[A-Z][A-Za-z0-9@_-]*)*$/.test(full)) {
      say(request, response, 400, 'Malformed locator');
      return;
    }
    const nowSeconds = this.#ports.clock.nowMs() / 1000;
    const { blobSigningKey: key, blobSigningTtlSeconds: ttl } = this.#settings;
    const verdict = verifySignature(key, token, full, nowSeconds, ttl);
    if (verdict !== 'valid') {
      say(request, response, verdict === 'expired' ? 401 : 400, `Signature ${verdict}`);
      return;
    }
    const outcome = await sendBlock(
      this.#folder,
      hash,
      hasSize ? Number(parts[1]) : undefined,
      isHead,
      response,
    );
    if (outcome === 'missing') {
      say(request, response, 404, 'Not found');
    } else if (outcome === 'damaged') {
      say(request, response, 502, 'Damaged on disk');
    }
  }

  /** Trash lists, deletion and the like are not for a cluster that never deletes a block. */
  #refuseMaintenance(request: IncomingMessage, response: ServerResponse, token: string | undefined): void {
    if (this.#isRoot(request, response, token)) {
      say(request, response, 405, 'The local cluster never deletes blocks');
    }
  }

  #service(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    token: string | undefined,
    url: URL,
  ): void {
    request.resume();
    if (path === '_health/ping') {
      const isAllowed = token === this.#settings.managementToken;
      const status = token === undefined ? 401 : isAllowed ? 200 : 403;
      say(request, response, status, isAllowed ? '{"health":"OK"}' : 'Management only');
      return;
    }
    const mountUuid = this.#settings.uuid.replace('-bi6l4-', '-nyw5e-');
    const prefix = /^index(?:\/([0-9a-f]*))?$/.exec(path);
    if (prefix || path === `mounts/${mountUuid}/blocks`) {
      if (this.#isRoot(request, response, token)) {
        this.#sendIndex(response, prefix?.[1] ?? url.searchParams.get('prefix') ?? '');
      }
    } else if (path === 'mounts') {
      if (this.#isRoot(request, response, token)) {
        say(request, response, 200, JSON.stringify([this.#mount(mountUuid)]));
      }
    } else {
      say(request, response, 400, 'Bad request');
    }
  }

  #sendIndex(response: ServerResponse, prefix: string): void {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    for (const { hash, sizeBytes, mtimeMs } of this.#folder.index(prefix)) {
      response.write(`${hash}+${sizeBytes} ${Math.floor(mtimeMs)}000000\n`);
    }
    // the empty line says that the list is complete
    response.end('\n');
  }

  #mount(uuid: string): Record<string, unknown> {
    const { classes, folder, isReadOnly } = this.#settings;
    return {
      uuid,
      device_id: folder,
      allow_write: !isReadOnly,
      allow_trash: false,
      replication: 1,
      storage_classes: Object.fromEntries(classes.map((name) => [name, true])),
    };
  }

  #isRoot(request: IncomingMessage, response: ServerResponse, token: string | undefined): boolean {
    if (token === this.#settings.systemRootToken) {
      return true;
    }
    say(request, response, token === undefined ? 401 : 403, 'For the system root token only');
    return false;
  }
}

/** Answers in plain text, and lets what is left of the request run out so that the client gets to read the answer. */
function say(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
  request.resume();
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}

function receive(
  request: IncomingMessage,
  receiver: BlockReceiver,
): Promise<ReceiveOutcome | 'gone' | 'tooLarge'> {
  return new Promise((resolve, reject) => {
    let receivedBytes = 0;
    let isOver = false;
    const stop = (result: 'gone' | 'tooLarge') => {
      if (!isOver) {
        isOver = true;
        receiver.abort().then(() => resolve(result), reject);
      }
    };
    request.on('data', (piece: Buffer) => {
      receivedBytes += piece.length;
      if (isOver) {
        return;
      }
      if (receivedBytes > BLOCK_LIMIT_BYTES) {
        stop('tooLarge');
        return;
      }
      const backlog = receiver.push(piece);
      if (backlog) {
        request.pause();
        backlog.then(
          () => request.resume(),
          (thrown: unknown) => request.destroy(thrown instanceof Error ? thrown : undefined),
        );
      }
    });
    request.on('end', () => {
      if (!isOver) {
        isOver = true;
        receiver.finish().then(resolve, reject);
      }
    });
    request.on('close', () => stop('gone'));
  });
}
