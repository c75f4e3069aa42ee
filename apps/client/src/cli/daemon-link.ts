/**
 * The command line's way to the daemon: its local API, found by daemon.json in the data folder.
 * Next: daemon-client.ts and the other classes of calls. Spec: docs/spec/41-client-api.md.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as dto from '../api/dto.ts';
import { fetchFrom } from './socket-fetch.ts';
import { ClientError, isClientErrorCode } from '../client-error.ts';

/** What the daemon writes while it runs. */
export interface DaemonFile {
  /** `http://127.0.0.1:14290`, or `unix:` and the path of a socket. */
  readonly api: string;
  readonly token: string;
  readonly pid: number;
}

const PREFIX = '/api/client/v1';
/** Most calls answer from memory or disk. */
const QUICK_MS = 30_000;
/** These wait for proof of work, milestones or providers. */
export const SLOW_MS = 600_000;

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly json?: unknown;
  readonly raw?: Uint8Array;
  /** Type of `raw`; a message when absent. */
  readonly rawType?: string;
  readonly timeoutMs?: number;
}

/** The content of daemon.json; undefined when no daemon says that it runs. */
export async function readDaemonFile(dataDir: string): Promise<DaemonFile | undefined> {
  try {
    const file: unknown = JSON.parse(await readFile(join(dataDir, 'daemon.json'), 'utf8'));
    return isDaemonFile(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

function isDaemonFile(file: unknown): file is DaemonFile {
  if (typeof file !== 'object' || file === null) return false;
  const { api, token, pid } = file as Partial<Record<keyof DaemonFile, unknown>>;
  return typeof api === 'string' && typeof token === 'string' && typeof pid === 'number';
}

export class DaemonLink {
  readonly file: DaemonFile;

  private constructor(file: DaemonFile) {
    this.file = file;
  }

  /** Throws ClientError `daemon-unreachable` when none runs for this folder. */
  static async find(dataDir: string): Promise<DaemonLink> {
    const file = await readDaemonFile(dataDir);
    if (file === undefined) throw new ClientError('daemon-unreachable', `none runs for ${dataDir}`);
    return new DaemonLink(file);
  }

  async json<T>(path: string, call: Call = {}): Promise<T> {
    return (await (await this.send(path, call)).json()) as T;
  }

  async bytes(path: string): Promise<Uint8Array> {
    return new Uint8Array(await (await this.send(path, {})).arrayBuffer());
  }

  async send(path: string, { method, json, raw, rawType, timeoutMs }: Call): Promise<Response> {
    const { api, token } = this.file;
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    if (json !== undefined) headers['content-type'] = 'application/json';
    if (raw !== undefined) headers['content-type'] = rawType ?? 'message/rfc822';
    const body = raw === undefined ? JSON.stringify(json) : new Uint8Array(raw);
    let response: Response;
    try {
      response = await fetchFrom(api, `${PREFIX}/${path}`, {
        method: method ?? 'GET',
        headers,
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs ?? QUICK_MS),
        ...(body === undefined ? {} : { body }),
      });
    } catch (cause) {
      throw new ClientError('daemon-unreachable', `no answer from ${api}`, { cause });
    }
    if (!response.ok) throw await errorOf(response);
    return response;
  }
}

/** The daemon's problem as the error it was there. */
async function errorOf(response: Response): Promise<ClientError> {
  const body = (await response.json().catch(() => ({}))) as Partial<dto.ProblemDto>;
  const { code, detail } = body;
  if (typeof code === 'string' && isClientErrorCode(code)) {
    return new ClientError(code, typeof detail === 'string' ? detail : undefined);
  }
  return new ClientError('internal', `the daemon answered ${response.status}`);
}
