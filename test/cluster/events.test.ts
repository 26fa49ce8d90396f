import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { ClusterClient, ClusterStage, type Fields, TurnedClock } from '../support/cluster-client.ts';

const stage = new ClusterStage();
const clock = new TurnedClock(Date.parse('2030-01-01T00:00:00Z'));
let admin: ClusterClient;
const listeners: Listener[] = [];

beforeAll(async () => {
  admin = await stage.start({ clock });
});
afterAll(async () => {
  for (const listener of listeners) {
    listener.socket.terminate();
  }
  await stage.cleanUp();
});

/** A subscriber that keeps what it hears. */
class Listener {
  readonly heard: Fields[] = [];
  readonly socket: WebSocket;

  constructor(client: ClusterClient) {
    const url = `wss://${client.cluster.apiHost}/websocket?api_token=${encodeURIComponent(client.token)}`;
    this.socket = new WebSocket(url, { ca: readFileSync(client.cluster.caFile) });
    this.socket.on('message', (data) => this.heard.push(JSON.parse(String(data))));
    listeners.push(this);
  }

  async opened(): Promise<this> {
    await new Promise((resolve, reject) => {
      this.socket.once('open', resolve);
      this.socket.once('error', reject);
    });
    return this;
  }

  async say(message: unknown): Promise<Fields | undefined> {
    const before = this.heard.length;
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    await expect.poll(() => this.heard.length).toBeGreaterThan(before);
    return this.heard[before];
  }

  /** Events about one object, once there are at least `count`. */
  async about(uuid: unknown, count: number): Promise<Fields[]> {
    const events = () => this.heard.filter((event) => event.object_uuid === uuid);
    await expect.poll(() => events().length).toBeGreaterThanOrEqual(count);
    return events();
  }
}

describe('events', () => {
  test('tell of a collection being made, changed and deleted', async () => {
    const listener = await new Listener(admin).opened();
    expect(await listener.say({ method: 'subscribe', filters: [] })).toEqual({ status: 200 });
    const made = await admin.saveFiles({ f: 'event' }, { name: 'before' });
    await admin.good('PUT', `collections/${made.uuid}`, { name: 'after' });
    await admin.good('DELETE', `collections/${made.uuid}`);
    clock.turn(20 * 24 * 3_600_000);
    await admin.cluster.sweep();
    const events = await listener.about(made.uuid, 4);
    expect(events.map((event) => event.event_type)).toEqual(['create', 'update', 'update', 'delete']);
    expect(events[1]).toMatchObject({
      object_kind: 'arvados#collection',
      object_owner_uuid: made.owner_uuid,
      properties: {
        old_attributes: { name: 'before', portable_data_hash: made.portable_data_hash },
        new_attributes: { name: 'after', is_trashed: false },
      },
    });
    expect(events[2]).toMatchObject({ properties: { new_attributes: { is_trashed: true } } });
    const ids = events.map((event) => Number(event.msgID));
    expect(ids).toEqual([...ids].sort((left, right) => left - right));
    expect(JSON.stringify(events)).not.toContain('manifest_text');
  });

  test('heed event_type and created_at, and no other filter', async () => {
    const [creates, future, other] = await Promise.all([1, 2, 3].map(() => new Listener(admin).opened()));
    await creates?.say({ method: 'subscribe', filters: [['event_type', 'in', ['create']]] });
    await future?.say({ method: 'subscribe', filters: [['created_at', '>', '2099-01-01T00:00:00Z']] });
    await other?.say({ method: 'subscribe', filters: [['object_uuid', '=', 'nothing']] });
    const made = await admin.good('POST', 'collections', {});
    await admin.good('PUT', `collections/${made.uuid}`, { name: 'changed' });
    expect(await other?.about(made.uuid, 2)).toHaveLength(2);
    expect(await creates?.about(made.uuid, 1)).toHaveLength(1);
    expect(future?.heard).toEqual([{ status: 200 }]);
  });

  test('from before are told to who knows the last id, if they are recent', async () => {
    const old = await admin.good('POST', 'collections', {});
    clock.turn(11 * 60_000);
    const recent = await admin.good('POST', 'collections', {});
    const listener = await new Listener(admin).opened();
    await listener.say({ method: 'subscribe', filters: [], last_log_id: 1 });
    await listener.about(recent.uuid, 1);
    expect(listener.heard.some((event) => event.object_uuid === old.uuid)).toBe(false);
  });

  test('stop when that is asked for, and nonsense is 400', async () => {
    const listener = await new Listener(admin).opened();
    const filters = [['event_type', 'in', ['create']]];
    await listener.say({ method: 'subscribe', filters });
    expect(await listener.say({ method: 'unsubscribe', filters })).toEqual({ status: 200 });
    expect(await listener.say({ method: 'unsubscribe', filters })).toEqual({ status: 400 });
    expect(await listener.say({ method: 'dance' })).toEqual({ status: 400 });
    expect(await listener.say('no JSON')).toEqual({ status: 400 });
    const witness = await new Listener(admin).opened();
    await witness.say({ method: 'subscribe' });
    const made = await admin.good('POST', 'collections', {});
    await witness.about(made.uuid, 1);
    expect(listener.heard.filter((event) => event.object_uuid === made.uuid)).toEqual([]);
  });

  test('are for who may see the object only', async () => {
    const anna = new ClusterClient(admin.cluster, await admin.cluster.createUser());
    const bert = new ClusterClient(admin.cluster, await admin.cluster.createUser());
    const [forAnna, forBert] = await Promise.all([new Listener(anna).opened(), new Listener(bert).opened()]);
    await forAnna.say({ method: 'subscribe' });
    await forBert.say({ method: 'subscribe' });
    const made = await anna.good('POST', 'collections', {});
    await forAnna.about(made.uuid, 1);
    const his = await bert.good('POST', 'collections', {});
    await forBert.about(his.uuid, 1);
    expect(forBert.heard.some((event) => event.object_uuid === made.uuid)).toBe(false);
  });

  test('come with a ping each minute, and not without a token', async () => {
    const listener = await new Listener(admin).opened();
    clock.turn(60_000);
    await expect.poll(() => listener.heard).toContainEqual({});
    const nobody = new ClusterClient(admin.cluster, 'nobody');
    await expect(new Listener(nobody).opened()).rejects.toThrow('401');
  });

  test('are in the logs too, for who polls', async () => {
    const made = await admin.good('POST', 'collections', {});
    const logs = await admin.list('logs', { filters: [['object_uuid', '=', made.uuid]] });
    expect(logs).toMatchObject([
      { event_type: 'create', kind: 'arvados#log', object_owner_uuid: made.owner_uuid },
    ]);
    const later = await admin.list('logs', { filters: [['id', '>', logs[0]?.id]] });
    expect(later).toEqual([]);
    expect((await admin.good('GET', `logs/${logs[0]?.uuid}`)).id).toBe(logs[0]?.id);
  });
});
