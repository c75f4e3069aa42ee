/**
 * Which password opened which connection, so that a password that is taken back closes what it
 * opened. Before: bridge.ts; after: mail io, socket/. Spec: docs/spec/45-mail-programs.md.
 */
import type { LoginConnection } from '@tanglemail/mail/io/socket/mail-server.ts';

export class OpenLogins {
  /** By the password's id. What has ended leaves with the next login: servers bound the rest. */
  readonly #open = new Map<string, Set<LoginConnection>>();

  add(id: string, connection: LoginConnection): void {
    for (const [other, connections] of this.#open) {
      for (const one of connections) if (!one.isOpen) connections.delete(one);
      if (connections.size === 0) this.#open.delete(other);
    }
    const opened = this.#open.get(id) ?? new Set();
    this.#open.set(id, opened.add(connection));
  }

  /** Ends the connections that a password opened. */
  async revoke(id: string): Promise<void> {
    const connections = [...(this.#open.get(id) ?? [])].filter((one) => one.isOpen);
    this.#open.delete(id);
    await Promise.all(connections.map((one) => one.revoke()));
  }
}
