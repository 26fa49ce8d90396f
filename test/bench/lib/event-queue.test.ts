import { expect, test } from 'vitest';
import { EventQueue, Servers } from './event-queue.ts';

test('what is due first runs first, and what is due together in the order it was asked for', () => {
  const queue = new EventQueue();
  const ran: string[] = [];
  const times = [5, 3, 9, 1, 7, 3, 8, 2];
  times.forEach((at, index) => {
    queue.at(at, () => ran.push(`${queue.now} ${index}`));
  });
  queue.runUntil(8);
  expect(ran).toEqual(['1 3', '2 7', '3 1', '3 5', '5 0', '7 4', '8 6']);
  expect(queue.now).toBe(8);
});

test('so many are served at once, the next wait in line, and a full line turns away', () => {
  const queue = new EventQueue();
  const servers = new Servers(queue, 2, 1);
  const ended: string[] = [];
  for (const name of ['a', 'b', 'c', 'd']) {
    servers.serve(
      10,
      () => ended.push(`${name} at ${queue.now}`),
      () => ended.push(`${name} turned away`),
    );
  }
  queue.runUntil(100);
  expect(ended).toEqual(['d turned away', 'a at 10', 'b at 10', 'c at 20']);
  expect(servers).toMatchObject({ served: 3, turnedAway: 1, waits: [0, 0, 10] });
});
