/**
 * What the benchmark of mail programs and its daemon say to each other over the process channel.
 * Between 23-mail-programs.ts and daemon.ts.
 */
/** Of the account whose mail it is. */
export const SEED = new Uint8Array(64).fill(1);
export const STORE_KEY = '07'.repeat(32);
export const STORE_OWNER = { kind: 'client', networkId: 7n, schema: 1 } as const;

export interface DaemonStart {
  readonly path: string;
  readonly nodeUrl: string;
  readonly genesisJson: string;
}

/** What the bench asks; each is answered by one Answer. */
export type Order =
  | { readonly do: 'look' }
  /** Live bytes, after garbage collection. */
  | { readonly do: 'weigh' }
  /** Reads the mails whose list entries begin so, all or the last one. */
  | { readonly do: 'read-all'; readonly prefix: string }
  | { readonly do: 'read-last'; readonly prefix: string }
  | { readonly do: 'find'; readonly words: string }
  /** Forgets what was written so far. */
  | { readonly do: 'forget-writes' }
  /** Writes again what was written since, each batch synced, into an empty store. */
  | { readonly do: 'write-again' }
  | { readonly do: 'stop' };

export interface Answer {
  /** CPU of the main thread since the start. */
  readonly threadMicros: number;
  readonly residentBytes: number;
  /** The longest that the event loop stood still since the last answer. */
  readonly stallMs: number;
  /** Bytes read, found, written or alive. */
  readonly amount: number;
  /** Wall time of the order. */
  readonly tookMs: number;
}

export interface Ready {
  readonly user: string;
  readonly password: string;
  readonly ca: string;
  readonly ports: Readonly<Record<string, number>>;
  /** Sends as many bytes as its first line says, out of a buffer. */
  readonly barePort: number;
}
