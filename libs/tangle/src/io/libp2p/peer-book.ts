/**
 * What a node remembers of its peers over a restart: peers added at run time, bans, and peers that
 * were good to it, to be dialled first. One small file, replaced as a whole. Used by network.ts.
 * Spec: docs/spec/07-gossip.md, "What is remembered".
 */
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { errorCode } from '../error-code.ts';
import { jsonOf } from '../json-text.ts';
import { writeFileAtomically } from '../write-file.ts';
import { NetworkError } from './types.ts';
import type { Ban, KnownPeer } from './types.ts';
import { FINDINGS } from './verdicts.ts';
import type { Finding } from './verdicts.ts';

/** Bounds of the file, so that no crowd of peers makes it grow. */
export const MAX_ADDED_PEERS = 256;
export const MAX_BANS = 4_096;
export const MAX_KNOWN_PEERS = 256;
/** Addresses that are kept of one peer. */
export const MAX_ADDRESSES = 8;
const MAX_FILE_BYTES = 4 << 20;

const id = z.string().regex(/^[1-9A-Za-z]{1,128}$/);
const address = z.string().min(1).max(256);
const time = z.int().min(0);
const FINDING_NAMES = ['operator', ...(Object.keys(FINDINGS) as Finding[])] as const;

const KNOWN_PEER = z.strictObject({
  id,
  addresses: z.array(address).max(MAX_ADDRESSES),
  lastSeenMs: time,
  dialled: z.boolean().default(false),
});

const DOCUMENT = z.strictObject({
  version: z.literal(1),
  networkId: z.string().regex(/^[0-9a-f]{16}$/),
  added: z.array(address).max(MAX_ADDED_PEERS),
  bans: z
    .array(z.strictObject({ id, untilMs: time, finding: z.enum(FINDING_NAMES) }))
    .max(MAX_BANS),
  known: z.array(KNOWN_PEER).max(MAX_KNOWN_PEERS),
});

/** The file's content. */
export interface PeerRecords {
  /** Multiaddrs of the peers that the operator added while the node ran. */
  readonly added: readonly string[];
  readonly bans: readonly Ban[];
  readonly known: readonly KnownPeer[];
}

const NOTHING: PeerRecords = { added: [], bans: [], known: [] };

export class PeerBook {
  readonly #path: string | undefined;
  readonly #networkId: string;
  #writing: Promise<void> = Promise.resolve();

  /** Without a path nothing is read or written. `networkId`: 16 hex digits. */
  constructor(path: string | undefined, networkId: string) {
    this.#path = path;
    this.#networkId = networkId;
  }

  /**
   * Reads the file. One that is missing, damaged or of another network counts as empty: everything
   * in it can be found or given again, so it must not keep a node from starting. `problem` tells
   * what was wrong with a file that is there.
   */
  async read(): Promise<{ readonly records: PeerRecords; readonly problem?: string }> {
    if (this.#path === undefined) return { records: NOTHING };
    let text: string;
    try {
      const { size } = await stat(this.#path);
      if (size > MAX_FILE_BYTES) return { records: NOTHING, problem: 'too large' };
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ENOENT') return { records: NOTHING };
      return { records: NOTHING, problem: code ?? 'unreadable' };
    }
    const parsed = DOCUMENT.safeParse(jsonOf(text));
    if (!parsed.success) return { records: NOTHING, problem: 'damaged' };
    if (parsed.data.networkId !== this.#networkId) {
      return { records: NOTHING, problem: 'of another network' };
    }
    return { records: parsed.data };
  }

  /** Replaces the file, one writer after the other. Throws NetworkError `state-unwritable`. */
  async write(records: PeerRecords): Promise<void> {
    const path = this.#path;
    if (path === undefined) return;
    const document: z.infer<typeof DOCUMENT> = {
      version: 1,
      networkId: this.#networkId,
      added: records.added.slice(0, MAX_ADDED_PEERS),
      bans: records.bans.slice(0, MAX_BANS),
      known: records.known
        .slice(0, MAX_KNOWN_PEERS)
        .map(({ id: key, addresses, lastSeenMs, dialled }) => ({
          id: key,
          addresses: addresses.slice(0, MAX_ADDRESSES),
          lastSeenMs,
          dialled,
        })),
    };
    const text = `${JSON.stringify(document, undefined, 2)}\n`;
    const written = this.#writing.then(async () => await writeFileAtomically(path, text, 0o600));
    this.#writing = written.catch(() => undefined);
    try {
      await written;
    } catch (error) {
      throw new NetworkError('state-unwritable', `cannot write ${path}`, { cause: error });
    }
  }
}
