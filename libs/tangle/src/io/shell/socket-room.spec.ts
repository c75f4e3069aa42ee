import { describe, expect, it } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { SocketRoom, type RoomSocket } from './socket-room.ts';

class ToySocket extends EventEmitter implements RoomSocket {
  readonly seen: string[] = [];

  ping(): void {
    this.seen.push('ping');
  }

  terminate(): void {
    this.seen.push('terminate');
  }

  close(code: number, reason: string): void {
    this.seen.push(`${code} ${reason}`);
  }
}

describe('socket room', () => {
  it('knows who is in it', () => {
    const room = new SocketRoom<string>(2);
    const [a, b] = [new ToySocket(), new ToySocket()];
    expect(room.enter(a, () => 'a')).toBe('a');
    room.enter(b, () => 'b');
    expect([...room.members()]).toEqual(['a', 'b']);
    room.leave(a);
    expect([room.memberOf(a), room.memberOf(b)]).toEqual([undefined, 'b']);
  });

  it('closes the socket that finds it full, until another has left', () => {
    const room = new SocketRoom<string>(1);
    const [a, b] = [new ToySocket(), new ToySocket()];
    room.enter(a, () => 'a');
    expect(room.enter(b, () => 'b')).toBeUndefined();
    expect(b.seen).toEqual(['1013 too many sockets']);
    room.leave(a);
    expect(room.enter(b, () => 'b')).toBe('b');
  });

  it('keeps one address from taking all places, until it leaves one', () => {
    const refused: string[] = [];
    const options = { maxSockets: 3, maxPerRemote: 2 };
    const room = new SocketRoom<number>({ ...options, onRefused: (why) => refused.push(why) });
    const sockets = Array.from({ length: 5 }, () => new ToySocket());
    const enter = (n: number, remote: string) =>
      room.enter(sockets[n] ?? new ToySocket(), () => n, remote);
    expect([enter(0, 'a'), enter(1, 'a'), enter(2, 'a'), enter(3, 'b')]).toEqual([
      0,
      1,
      undefined,
      3,
    ]);
    expect([enter(4, 'c'), refused]).toEqual([undefined, ['address', 'full']]);
    room.leave(sockets[2] ?? new ToySocket());
    room.leave(sockets[0] ?? new ToySocket());
    room.leave(sockets[0] ?? new ToySocket());
    expect([enter(2, 'a'), enter(4, 'a'), room.size]).toEqual([2, undefined, 3]);
  });

  it('ends sockets that answer no ping', () => {
    const room = new SocketRoom<string>(2);
    const [alive, dead] = [new ToySocket(), new ToySocket()];
    room.enter(alive, () => 'alive');
    room.enter(dead, () => 'dead');
    room.pingAll();
    alive.emit('pong');
    room.pingAll();
    expect(alive.seen).toEqual(['ping', 'ping']);
    expect(dead.seen).toEqual(['ping', 'terminate']);
  });
});
