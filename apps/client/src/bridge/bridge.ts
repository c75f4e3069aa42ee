/**
 * The bridge: IMAP, POP3 and SMTP on loopback, so that any mail program is a front end of the
 * account. Builds the servers over the client's parts, listens, and stops. Before: cli/daemon.ts;
 * after: bridge-store.ts, submission-desk.ts, mail io. Spec: docs/spec/45-mail-programs.md.
 */
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { MAX_MESSAGE_SIZE } from '@tanglemail/mail/core/limits.ts';
import { createImapServer } from '@tanglemail/mail/io/imap/imap-server.ts';
import { createPop3Server } from '@tanglemail/mail/io/pop3/pop3-server.ts';
import { listenForSubmissions } from '@tanglemail/mail/io/smtp/submission-server.ts';
import type { MailServer, ServerLogin, TlsKey } from '@tanglemail/mail/io/socket/mail-server.ts';
import { setTimeout as rest } from 'node:timers/promises';
import { emailText } from '../account/account.ts';
import type { AddedAppPasswordDto, BridgeDto } from '../api/bridge-dto.ts';
import type { BridgeService } from '../api/bridge-service.ts';
import type { ClientParts } from '../client-parts.ts';
import type { ClientConfig } from '../config/schema.ts';
import { FOLDER } from '../messages/folder-name.ts';
import { takenPorts } from '../store/bridge-collections.ts';
import { VERSION } from '../version.ts';
import { AppPasswords } from './app-passwords.ts';
import { type Authority, openAuthority } from './authority.ts';
import { BridgeStore, type BridgeStoreParts, isAccountName } from './bridge-store.ts';
import { LoginGuard } from './login-guard.ts';
import { HOST, type Listen, listenOnLoopback } from './loopback.ts';
import { OpenLogins } from './open-logins.ts';
import { SubmissionDesk, type SubmissionService } from './submission-desk.ts';

const DOORS_KEY = 'doors';
const LOGIN_TIMEOUT_MS = 60_000;
/** RFC 3501 §5.4 asks for 30 minutes at least; programs that idle say something every 29. */
const IDLE_TIMEOUT_MS = 1_860_000;

type Protocol = ClientConfig['bridge']['protocols'][number];
type Door = BridgeDto['doors'][number];

export type BridgeParts = BridgeStoreParts &
  Pick<ClientParts, 'config' | 'contacts' | 'fates' | 'logger' | 'resolver'>;

interface Built {
  readonly parts: BridgeParts;
  readonly service: SubmissionService;
  readonly passwords: AppPasswords;
  readonly authority: Authority;
}

export class Bridge implements BridgeService {
  readonly #built: Built;
  readonly #doors: Door[] = [];
  readonly #logins = new OpenLogins();
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #taken: Record<string, number>;

  private constructor(built: Built) {
    this.#built = built;
    this.#taken = { ...built.parts.store.get(takenPorts, DOORS_KEY)?.ports };
  }

  /** Listens as the settings say. Throws ClientError `port-in-use` when no port is free. */
  static async start(parts: BridgeParts, service: SubmissionService): Promise<Bridge> {
    const { store, writes, tangle } = parts;
    const nowMs = (): number => tangle.clock.nowMs();
    const deps = { store, writes, random: tangle.random, nowMs };
    const passwords = await AppPasswords.load(deps);
    const authority = await openAuthority(deps);
    const bridge = new Bridge({ parts, service, passwords, authority });
    try {
      await bridge.#listen();
      await bridge.#remember();
    } catch (error) {
      await bridge.close();
      throw error;
    }
    return bridge;
  }

  /** Certificate that mail programs are told to trust, PEM. */
  get authorityCert(): string {
    return this.#built.authority.certPem;
  }

  bridge(): BridgeDto {
    const { parts, authority, passwords } = this.#built;
    return {
      user: emailText(parts.account),
      host: HOST,
      doors: this.#doors,
      fingerprint: authority.fingerprint,
      certPem: authority.certPem,
      passwords: passwords.list(),
    };
  }

  async addPassword(name: string): Promise<AddedAppPasswordDto> {
    return this.#built.passwords.add(name);
  }

  async removePassword(id: string): Promise<void> {
    await this.#built.passwords.remove(id);
    await this.#logins.revoke(id);
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await Promise.all(this.#closers.splice(0).map((close) => close()));
  }

  async #listen(): Promise<void> {
    const { parts, service, passwords, authority } = this.#built;
    const { account, config, logger, store, tangle } = parts;
    const nowMs = (): number => tangle.clock.nowMs();
    const key = await authority.issue();
    const guard = new LoginGuard({
      passwords,
      isOwnName: (name) => isAccountName({ account }, name),
      nowMs,
      rest: (timeMs) => rest(timeMs),
    });
    const serverName = `${store.opaque('trace fields').slice(0, 12)}.localhost`;
    const mail = new BridgeStore(parts, serverName);
    const desk = new SubmissionDesk({ parts, service, nowMs });
    const onFault = faultLog(logger);
    const common = {
      allowsPlainLogin: true,
      maxMessageBytes: MAX_MESSAGE_SIZE,
      maxConnections: config.bridge.maxConnections,
      loginTimeoutMs: LOGIN_TIMEOUT_MS,
      idleTimeoutMs: IDLE_TIMEOUT_MS,
      serverName: 'Tanglemail',
      serverVersion: VERSION,
    };
    const loginTo = <T>(to: T): ServerLogin<T> => ({
      login: async (name, password, connection) => {
        const id = await guard.check(name, password);
        // It may have been taken back while its use was written down.
        if (id === undefined || !passwords.has(id)) return undefined;
        this.#logins.add(id, connection);
        return to;
      },
    });
    const folders = { inbox: FOLDER.INBOX, trash: FOLDER.Trash };
    const imap = createImapServer(common, { login: loginTo(mail), onFault, nowMs });
    await this.#openServer('imap', imap, key);
    const pop3 = createPop3Server({ ...common, folders }, { login: loginTo(mail), onFault });
    await this.#openServer('pop3', pop3, key);
    const submission = { login: loginTo(desk), onFault };
    for (const tls of ['starttls', 'implicit'] as const) {
      await this.#open('smtp', tls, (port, host) =>
        listenForSubmissions({ host, port, tls, key }, common, submission),
      );
    }
  }

  /** Another account may start first the next time, and must not be found in our place. */
  async #remember(): Promise<void> {
    const { store, writes } = this.#built.parts;
    const before = store.get(takenPorts, DOORS_KEY)?.ports;
    if (JSON.stringify(before) === JSON.stringify(this.#taken)) return;
    const ports = this.#taken;
    await writes.run(() => store.batch().put(takenPorts, DOORS_KEY, { ports }).write());
  }

  async #openServer(protocol: 'imap' | 'pop3', server: MailServer, key: TlsKey): Promise<void> {
    server.setKey(key);
    const close = (): Promise<void> => server.close();
    await this.#open(protocol, 'starttls', async (port, host) => {
      return { port: await server.listen(host, port), close };
    });
    await this.#open(protocol, 'implicit', async (port, host) => {
      return { port: await server.listenSecure(host, port, key), close };
    });
  }

  async #open(protocol: Protocol, tls: Door['tls'], listen: Listen): Promise<void> {
    const { config, logger } = this.#built.parts;
    if (!config.bridge.protocols.includes(protocol)) return;
    const wanted = config.bridge[tls === 'implicit' ? SECURE[protocol] : PLAIN[protocol]];
    const name = `${protocol} ${tls}`;
    const opened = await listenOnLoopback(wanted, this.#taken[name], listen);
    const { port } = opened;
    if (wanted !== 0) this.#taken[name] = port;
    this.#closers.push(() => opened.close());
    this.#doors.push({ protocol, tls, port });
    logger.info({ protocol, tls, port }, 'mail programs can connect');
  }
}

const PLAIN = { imap: 'imapPort', pop3: 'pop3Port', smtp: 'smtpPort' } as const;
const SECURE = { imap: 'imapsPort', pop3: 'pop3sPort', smtp: 'smtpsPort' } as const;

function faultLog(logger: Logger): (error: unknown, command: string) => void {
  return (error, command) => {
    logger.warn({ ...errorFields(error), command }, 'a mail program met an error');
  };
}
