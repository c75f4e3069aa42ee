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
