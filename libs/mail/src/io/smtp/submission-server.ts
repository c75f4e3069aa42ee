/**
 * Submission of mail by SMTP (RFC 6409) with the library smtp-server: extensions, TLS, limits. What
 * becomes of a mail is the account's business. Before: a mail program; next: hooks.ts. Spec:
 * docs/spec/45-mail-programs.md §6.
 */
import type { AddressInfo } from 'node:net';
import { callbackify } from 'node:util';
import { SMTPServer } from 'smtp-server';
import type {
  SMTPServerAddress,
  SMTPServerAuthentication,
  SMTPServerDataStream,
  SMTPServerOptions,
  SMTPServerSession,
} from 'smtp-server';
import type { LoginConnection, TlsKey } from '../socket/mail-server.ts';
import { type SmtpAccount, type SmtpLogin, SmtpRefused, type Submission } from './hooks.ts';

/** Recipients of one mail. */
export const MAX_SMTP_RECIPIENTS = 100;
/** Of MAIL and of RCPT: RFC 1870, 3461, 4954 §5, 6152, 6531, 8689. */
const MAIL_PARAMETERS = ['AUTH', 'BODY', 'ENVID', 'REQUIRETLS', 'RET', 'SIZE', 'SMTPUTF8'];
const RCPT_PARAMETERS = ['NOTIFY', 'ORCPT'];
/** What a connection that stops may still do. */
const CLOSE_MS = 2_000;

export interface SubmissionOptions {
  /** Passwords are taken without TLS: only on loopback. */
  readonly allowsPlainLogin: boolean;
  readonly maxMessageBytes: number;
  readonly maxConnections: number;
  readonly idleTimeoutMs: number;
  readonly serverName: string;
}

export interface SubmissionDeps {
  readonly login: SmtpLogin;
  /** An error that no command expects; the connection goes on, the others too. */
  readonly onFault: (error: unknown, command: string) => void;
}

export interface RunningSubmission {
  readonly port: number;
  close(): Promise<void>;
}

/** Where it listens, and how connections are encrypted: from the start, on request, or never. */
export interface SubmissionPlace {
  readonly host: string;
  readonly port: number;
  readonly tls: 'implicit' | 'none' | 'starttls';
  /** Needed unless `tls` is `none`. */
  readonly key?: TlsKey | undefined;
}

/** Listens; rejects when the port is taken. */
export async function listenForSubmissions(
  place: SubmissionPlace,
  options: SubmissionOptions,
  deps: SubmissionDeps,
): Promise<RunningSubmission> {
  const handlers: Handlers = new Handlers(options, deps, (session) => loginOn(server, session));
  const server: SMTPServer = new SMTPServer(settingsOf(place, options, handlers));
  // Errors of single connections; what concerns the server itself rejects below.
  let isListening = false;
  server.on('error', (error) => {
    if (isListening) deps.onFault(error, 'connection');
  });
  await new Promise<void>((resolve, reject) => {
    server.server.once('error', reject);
    server.listen(place.port, place.host, () => {
      server.server.off('error', reject);
      isListening = true;
      resolve();
    });
  });
  const { port } = server.server.address() as AddressInfo;
  return {
    port,
    close: async () => await new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

function settingsOf(
  place: SubmissionPlace,
  options: SubmissionOptions,
  handlers: Handlers,
): SMTPServerOptions {
  const { tls, key } = place;
  return {
    ...(key === undefined ? {} : { key: key.key, cert: key.cert }),
    secure: tls === 'implicit',
    minVersion: 'TLSv1.2',
    disabledCommands: tls === 'starttls' ? [] : ['STARTTLS'],
    authOptional: false,
    authMethods: ['PLAIN', 'LOGIN'],
    allowInsecureAuth: options.allowsPlainLogin,
    name: options.serverName,
    banner: 'ready',
    size: options.maxMessageBytes,
    maxClients: options.maxConnections,
    socketTimeout: options.idleTimeoutMs,
    closeTimeout: CLOSE_MS,
    disableReverseLookup: true,
    // The library knows one enhanced code a reply code; ours, in the texts, say more.
    hideENHANCEDSTATUSCODES: true,
    hideDSN: false,
    hideREQUIRETLS: false,
    logger: false,
    onAuth: callbackify(async (auth: SMTPServerAuthentication, session: SMTPServerSession) => ({
      user: await handlers.login(auth, session),
    })),
    onMailFrom: callbackify((from: SMTPServerAddress, session: SMTPServerSession) =>
      handlers.mailFrom(from, session),
    ),
    onRcptTo: callbackify((to: SMTPServerAddress, session: SMTPServerSession) =>
      handlers.rcptTo(to, session),
    ),
    onData: callbackify((stream: SMTPServerDataStream, session: SMTPServerSession) =>
      handlers.data(stream, session),
    ),
  };
}

class Handlers {
  readonly #options: SubmissionOptions;
  readonly #deps: SubmissionDeps;
  readonly #connectionOf: (session: SMTPServerSession) => LoginConnection;

  constructor(
    options: SubmissionOptions,
    deps: SubmissionDeps,
    connectionOf: (session: SMTPServerSession) => LoginConnection,
  ) {
    this.#options = options;
    this.#deps = deps;
    this.#connectionOf = connectionOf;
  }

  async login(
    { username, password }: SMTPServerAuthentication,
    session: SMTPServerSession,
  ): Promise<SmtpAccount> {
    const connection = this.#connectionOf(session);
    const account = await this.#guard('AUTH', () =>
      this.#deps.login.login(username ?? '', password ?? '', connection),
    );
    if (account === undefined) throw new SmtpRefused(535, '5.7.8', 'name or password is wrong');
    return account;
  }

  async mailFrom(from: SMTPServerAddress, session: SMTPServerSession): Promise<undefined> {
    checkParameters(from, MAIL_PARAMETERS);
    await this.#guard('MAIL', async () => accountOf(session).checkSender(from.address));
    return undefined;
  }

  async rcptTo(to: SMTPServerAddress, session: SMTPServerSession): Promise<undefined> {
    checkParameters(to, RCPT_PARAMETERS);
    if (session.envelope.rcptTo.length >= MAX_SMTP_RECIPIENTS) {
      throw new SmtpRefused(452, '4.5.3', `at most ${MAX_SMTP_RECIPIENTS} recipients`);
    }
    const size = sizeOf(session);
    await this.#guard('RCPT', () => accountOf(session).checkRecipient(to.address, size));
    return undefined;
  }

  /** Reads a mail to its end, also when it is too large: the program hears so only then. */
  async data(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<string> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream) if (!stream.sizeExceeded) chunks.push(chunk as Uint8Array);
    if (stream.sizeExceeded) {
      const { maxMessageBytes } = this.#options;
      throw new SmtpRefused(552, '5.3.4', `the mail is larger than ${maxMessageBytes} bytes`);
    }
    const submission = { ...envelopeOf(session), raw: Buffer.concat(chunks) };
    return this.#guard('DATA', () => accountOf(session).submit(submission));
  }

  /** What no command expects is told to the log, and to the program as something passing. */
  async #guard<T>(command: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (error instanceof SmtpRefused) throw error;
      this.#deps.onFault(error, command);
      throw new SmtpRefused(451, '4.3.0', 'something went wrong here; the log says what');
    }
  }
}

function loginOn(server: SMTPServer, { id }: SMTPServerSession): LoginConnection {
  const find = (): SMTPConnection | undefined =>
    [...server.connections].find((one) => one.id === id);
  return {
    get isOpen() {
      return find() !== undefined;
    },
    revoke: async () => {
      const connection = find();
      connection?.send(421, '4.7.0 the password was taken back');
      connection?.close();
    },
  };
}

type SMTPConnection = SMTPServer['connections'] extends Set<infer One> ? One : never;

/** What is not offered must not be passed over (RFC 5321 §4.1.1.11). */
function checkParameters({ args }: SMTPServerAddress, known: readonly string[]): void {
  const unknown = Object.keys(args === false ? {} : args).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new SmtpRefused(555, '5.5.4', 'a parameter is unknown');
}

function accountOf(session: SMTPServerSession): SmtpAccount {
  return session.user as SmtpAccount;
}

function sizeOf({ envelope }: SMTPServerSession): number | undefined {
  const { mailFrom } = envelope;
  const args = mailFrom === false ? undefined : mailFrom.args;
  const size = typeof args === 'object' ? Number((args as { SIZE?: string }).SIZE) : Number.NaN;
  return Number.isSafeInteger(size) ? size : undefined;
}

function envelopeOf({ envelope }: SMTPServerSession): Omit<Submission, 'raw'> {
  const { mailFrom, rcptTo, dsn } = envelope;
  return {
    sender: mailFrom === false ? '' : mailFrom.address,
    envelopeId: dsn?.envid ?? undefined,
    returnsFull: dsn?.ret === 'FULL',
    recipients: rcptTo.map((one) => ({
      address: one.address,
      notify: one.dsn?.notify,
      originalRecipient: one.dsn?.orcpt,
    })),
  };
}
