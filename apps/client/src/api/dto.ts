/**
 * The JSON of the local API, once for all: client.ts answers these shapes, the controllers check
 * requests against them, the command line checks answers. Amounts are decimal strings of base
 * units, ids and bytes lowercase hex, times milliseconds since 1970 unless the name says
 * otherwise. Spec: docs/spec/41-client-api.md.
 */
import { z } from 'zod';
import { MAX_UNDO_SECONDS } from '../outbox/outbox-entry.ts';
import { outboxStates } from '../store/outbox-collections.ts';
import { deliveryDto } from './delivery-dto.ts';
import { incomingEventDto, uploadDto } from './parcels-dto.ts';

/** Paths of the API. */
export const API_PREFIX = '/api/client/v1';
export const EVENTS_PATH = `${API_PREFIX}/events`;

/** Bytes of a request body, but for a message. */
export const MAX_BODY_BYTES = 1 << 20;
/** Bytes of a body that brings a message: 35 MiB as they are, or 25 MiB of files in base64. */
export const MAX_MESSAGE_BODY_BYTES = 36 << 20;
export const MAX_RECIPIENTS = 50;
export const MAX_ATTACHMENTS = 32;
/** Items of one page. */
export const MAX_PAGE_ITEMS = 500;
const DEFAULT_PAGE_ITEMS = 50;

const text = z.string().max(1_024);
const longText = z.string().max(MAX_BODY_BYTES);
const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/);
const hex32 = z.string().regex(/^[0-9a-f]{64}$/);
const amount = z.string().regex(/^(?:0|[1-9][0-9]{0,19})$/);
const count = z.int().min(0);
const timeMs = z.int().min(0);
const unixSeconds = z.int().min(0);
/** `tm1…` or `tmt1…`. */
const addressText = z.string().min(1).max(128);
/** An id of something that is listed. */
export const listIdDto = z.string().regex(/^[A-Za-z0-9._-]{1,96}$/);

/** RFC 9457. */
export const problemDto = z.object({
  type: text,
  title: text,
  status: z.int(),
  code: text,
  detail: text.optional(),
});

export const healthDto = z.object({ healthy: z.literal(true), version: text });

export const milestoneRefDto = z.object({ index: count, timestampMs: timeMs });

export const statusDto = z.object({
  version: text,
  address: addressText,
  email: text,
  account: z.object({ index: count }),
  node: z.object({
    url: text,
    reachable: z.boolean(),
    networkName: text,
    /** Newest milestone that was verified; null before the first. */
    latestMilestone: milestoneRefDto.nullable(),
  }),
  descriptor: z.object({
    sequence: amount,
    state: z.enum(['none', 'queued', 'confirmed']),
    milestoneIndex: count.optional(),
    /** Another one of ours with its number was seen: a device that did not agree, or a thief. */
    conflictAtMs: timeMs.optional(),
  }),
  wallet: z.object({
    /** As of the last look; null before the first. */
    balance: amount.nullable(),
    address: text,
  }),
  /** Rented mailboxes. */
  providers: count,
  outbox: z.object({ queued: count, failed: count }),
  inbox: z.object({ total: count, unread: count }),
  lastSync: z.object({ at: timeMs, fetched: count }).nullable(),
});

export const addressDto = z.object({
  address: addressText,
  email: text,
  /** `tangle:` link without an invite: may be published. */
  link: text,
});

/** `GET address`: the same with the link as a QR code of block characters. */
export const addressWithQrDto = addressDto.extend({ qr: z.string().max(65_536) });

export const inviteRequestDto = z.strictObject({
  name: z.string().max(64).optional(),
  /** How long it is good, 30 if not given. */
  days: z.int().min(1).max(365).optional(),
});
/** The link holds a secret for one person. */
export const inviteDto = z.object({ link: text, id: listIdDto, expiresAtMs: timeMs });

export const contactDto = z.object({
  address: addressText,
  email: text,
  name: z.string().max(64),
  state: z.enum(['accepted', 'requested', 'blocked']),
  addedAtMs: timeMs,
  /** They have written to us, so mails to them carry tags that only they know. */
  knowsUs: z.boolean(),
  /** Twelve groups of five digits to compare; absent until a key has been seen. */
  safetyNumber: text.optional(),
  /** What the user notes. */
  note: z.string().max(2_048).optional(),
  /** Our sub-address at which they first knocked. */
  cameBy: text.optional(),
  /** Their sub-address that we write to as long as they do not know us. */
  writeBy: text.optional(),
  /** When the user compared the safety number with the present keys. */
  verifiedAtMs: timeMs.optional(),
  /** Mail to them waits until the user accepts it. */
  keyChange: z
    .object({
      atMs: timeMs,
      /** The account key cannot change: the address is its hash. */
      what: z.literal('identity-key'),
      wasVerified: z.boolean(),
    })
    .optional(),
  /** They signed two descriptors with one number: two devices, or a stolen key. */
  conflictAtMs: timeMs.optional(),
  /** Address of the contact whose name this one's can be taken for. */
  looksLike: addressText.optional(),
});

export const addContactDto = z
  .strictObject({
    link: z.string().min(1).max(1_024).optional(),
    address: addressText.optional(),
    name: z.string().min(1).max(64).optional(),
    note: z.string().max(2_048).optional(),
  })
  .refine((one) => (one.link === undefined) !== (one.address === undefined), {
    message: 'give either link or address',
  });

export const attachmentInputDto = z.strictObject({
  filename: z.string().min(1).max(255),
  contentType: z.string().min(3).max(255).optional(),
  contentBase64: z.base64(),
});

/** How a mail goes, whatever stands in it. */
export const sendChoicesDto = z.object({
  /** Signed by the account key: anybody can check who wrote it, and it cannot be denied. */
  registered: z.boolean().optional(),
  /** The recipient's client is asked to say that it has opened it; default `receipts.ask`. */
  wantsReceipt: z.boolean().optional(),
  /** It leaves then; a time that is over means now. */
  sendAtMs: timeMs.optional(),
  /** It can be taken back so long; default `send.undoSeconds`. */
  undoSeconds: z.int().min(0).max(MAX_UNDO_SECONDS).optional(),
  /** The user says that the changed keys of the recipients are right. */
  acceptKeyChange: z.boolean().optional(),
});

/** Each recipient is an address, its e-mail form, a `tangle:` link or the name of a contact. */
const recipients = z.array(z.string().min(1).max(1_024)).max(MAX_RECIPIENTS);

const messageFields = z.strictObject({
  ...sendChoicesDto.shape,
  /** May be empty where others are named or `replyTo` is given. */
  to: recipients,
  cc: recipients.optional(),
  /** Nobody else learns of them: each gets an envelope of its own, and no header names them. */
  bcc: recipients.optional(),
  /** Empty: that of the mail which this answers or forwards. */
  subject: z.string().max(998),
  text: longText,
  attachments: z.array(attachmentInputDto).max(MAX_ATTACHMENTS).optional(),
  /** Message-ID of the mail that this answers, with angle brackets. */
  inReplyTo: z.string().min(3).max(998).optional(),
  /** Id of a message that this answers: recipients, thread and quoted text come from it. */
  replyTo: listIdDto.optional(),
  replyAll: z.boolean().optional(),
  /** False: the text of the mail which this answers or forwards is not added. */
  quote: z.boolean().optional(),
  /** Id of a message whose text and attachments go along. */
  forward: listIdDto.optional(),
});

export const sendMessageDto = messageFields.refine(
  ({ to, cc = [], bcc = [], replyTo }) =>
    replyTo !== undefined || to.length + cc.length + bcc.length > 0,
  { message: 'give a recipient' },
);

export const queuedMessageDto = z.object({
  /** RFC 5322 Message-ID with angle brackets. */
  id: text,
  recipients: z.array(z.object({ address: addressText, outboxId: listIdDto })),
});

/** While the proof of work runs: hashes done, and how many it takes on average. */
const workDto = z.object({ hashes: z.number().min(0), expectedHashes: z.number().min(1) });

export const outboxItemDto = z.object({
  id: listIdDto,
  messageId: text,
  to: z.object({ address: addressText, name: text }),
  subject: text,
  sizeBytes: count,
  createdAtMs: timeMs,
  state: z.enum(outboxStates),
  /** Providers of the recipient: how many there are, have signed a receipt, hold it for consent. */
  providerCount: count,
  storedCount: count,
  heldCount: count,
  tagKind: z.enum(['contact', 'invite', 'stranger', 'chain']).optional(),
  blockId: hex32.optional(),
  powMs: z.number().min(0).optional(),
  work: workDto.optional(),
  milestoneIndex: count.optional(),
  /** The milestone's certificate and the inclusion path were checked here. */
  proofChecked: z.boolean(),
  /** Which header names the recipient. */
  role: z.enum(['to', 'cc', 'bcc']).optional(),
  isRegistered: z.boolean(),
  wantsReceipt: z.boolean(),
  /** It rests until then. */
  notBeforeMs: timeMs.optional(),
  /** It has not left this device. */
  canRecall: z.boolean(),
  /** When each of these came true for the first time. They are no order. */
  times: z.object({
    attachedAtMs: timeMs.optional(),
    confirmedAtMs: timeMs.optional(),
    storedAtMs: timeMs.optional(),
    fetchedAtMs: timeMs.optional(),
    readAtMs: timeMs.optional(),
  }),
  /** The recipient's newest keys were used up: less forward secrecy than usual. */
  isReducedSecrecy: z.boolean(),
  receipts: z.array(
    z.object({ bondId: hex, endpoint: text, until: unixSeconds, checked: z.literal(true) }),
  ),
  history: z.array(z.object({ state: text, atMs: timeMs, detail: text.optional() })),
  error: z.object({ code: text, detail: text, nextTryAtMs: timeMs.optional() }).optional(),
});

export const folderDto = z.object({
  /** Stays when the folder is renamed; ids of its messages begin with it. */
  id: listIdDto,
  name: text,
  /** Of every account: can be neither renamed nor deleted. */
  isStandard: z.boolean(),
  total: count,
  unread: count,
  uidValidity: count,
  uidNext: count,
});

export const messageSummaryDto = z.object({
  id: listIdDto,
  uid: count,
  folder: text,
  /** `verified` is true when the letter's seal proves `address`; names are the sender's words. */
  from: z.object({
    address: text,
    name: text,
    verified: z.boolean(),
    /** Address of a contact for whom the name of this stranger can be taken. */
    looksLike: text.optional(),
  }),
  to: z.string().max(4_096),
  /** Of a mail of this account: whom it went to, as the user calls them. */
  sentTo: text.optional(),
  subject: text,
  dateMs: timeMs,
  sizeBytes: count,
  flags: z.array(z.string().max(128)).max(64),
  hasAttachments: z.boolean(),
  /** Of a mail of ours that left by the outbox of this device. */
  delivery: deliveryDto.optional(),
  messageId: text,
  /** Our sub-address by which it came. */
  subAddress: text.optional(),
});

export const messageDto = messageSummaryDto.extend({
  text: z.string(),
  /** Untrusted: never into a page without a sanitiser and a sandbox. */
  html: z.string().optional(),
  attachments: z.array(
    z.object({ index: count, filename: text, contentType: text, sizeBytes: count }),
  ),
  /** In the order of the message, unfolded, at most 1,000. */
  headers: z.array(z.object({ name: text, value: z.string() })),
  verified: z
    .object({
      senderAddress: addressText,
      /** The seal binds the sender's key (deniable), or an inner signature does (registered). */
      how: z.enum(['seal', 'signature']),
    })
    .nullable(),
});

const FLAG_FORM = 'expected letters, digits, $, _ and -, up to 64';

export const setFlagsDto = z.strictObject({
  flags: z.array(z.string().regex(/^\\?[A-Za-z0-9$_-]{1,64}$/, FLAG_FORM)).max(64),
  /** What happens with `flags`; `set` replaces all. */
  change: z.enum(['set', 'add', 'remove']).default('set'),
});

export const syncReportDto = z.object({
  fetched: count,
  /** Base units paid to providers for it. */
  cost: amount,
  /** Mails of strangers that providers hold for our consent. */
  held: count,
  errors: z.array(z.object({ bondId: hex, code: text, detail: text })),
});

export const walletDto = z.object({
  /** Sum of the unspent outputs that the state root of milestone `asOf` proves. */
  balance: amount,
  /** Where the next payment should go: `tw1…` or `twt1…`, fresh after each use. */
  address: text,
  asOf: milestoneRefDto.nullable(),
  /** Outgoing base units in transactions that no milestone has decided yet. */
  pending: amount,
});

export const sendTokensDto = z.strictObject({
  /** `tw1…`, `twt1…` or 64 hex digits. */
  to: z.string().min(1).max(128),
  amount: z.string().regex(/^[1-9][0-9]{0,19}$/),
});
export const sentTokensDto = z.object({ transactionId: hex32, blockId: hex32 });

export const walletLineDto = z.object({
  id: listIdDto,
  atMs: timeMs,
  kind: z.enum(['sent', 'received', 'channel-opened', 'channel-closed', 'voucher']),
  amount,
  detail: text,
  transactionId: hex32.optional(),
  /** Absent while no milestone has confirmed it. */
  milestoneIndex: count.optional(),
});

export const offerDto = z.object({
  bondId: hex,
  endpoint: text,
  seq: amount,
  /** Base units; see docs/spec/30-offer.md. */
  prices: z.object({
    rentPerMiBDay: count,
    ingressPerMiB: count,
    egressPerMiB: count,
    perObject: count,
    perRequest: count,
    perPushDay: count,
  }),
  /** What a mailbox of ordinary use would cost in 30 days. */
  pricePerMonth: amount,
  minChannel: amount,
  minRetentionDays: count,
  maxRetentionDays: count,
  isBonded: z.boolean(),
  validUntil: unixSeconds,
  /** Milestone that contains the offer; its proof was checked. */
  confirmedIn: count,
});

export const rentalDto = z.object({
  bondId: hex,
  endpoint: text,
  mailboxId: hex,
  balance: amount,
  retentionDays: count,
  isActive: z.boolean(),
  /** The newest channel; absent before the first. */
  channel: z
    .object({
      channelId: hex.optional(),
      amount,
      signed: amount,
      expiry: unixSeconds,
      state: text,
    })
    .optional(),
  storedObjects: count,
  /** One segment a day, chosen by chance, that it had to prove. */
  audits: z.object({ ok: count, failed: count }),
  /** Times that it did not give what its log says it stores. */
  fetchesFailed: count,
  tagsRegistered: count,
  /** Unix seconds; 0 before the first sync. */
  lastSyncAt: unixSeconds,
});

export const rentRequestDto = z.strictObject({
  /** Absent: the client chooses by price and quality. */
  bondId: hex.optional(),
  /** Base units into the channel; default from the settings. */
  deposit: z
    .string()
    .regex(/^[1-9][0-9]{0,19}$/)
    .optional(),
  /** Base units credited to the mailbox at once; default from the settings. */
  credit: z
    .string()
    .regex(/^[1-9][0-9]{0,19}$/)
    .optional(),
});
export const rentedDto = z.object({ bondId: hex, mailboxId: hex, channelId: hex, balance: amount });

export const closedDto = z.object({ claimTransactionId: hex32.optional(), state: text });

/** One page of a list, newest first. `before`: the id of the last item that the caller has. */
export const pageQueryDto = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE_ITEMS).default(DEFAULT_PAGE_ITEMS),
  before: listIdDto.optional(),
});
export const messagesQueryDto = pageQueryDto.extend({
  folder: z.string().max(255).default('INBOX'),
  /** Newer mails that are left out: a list that jumps to any place of a large folder. */
  offset: z.coerce.number().int().min(0).optional(),
});

/** What the event socket sends. Facts are fetched by the API; an event says what has changed. */
export const clientEventDto = z.discriminatedUnion('topic', [
  z.object({
    topic: z.literal('outbox'),
    data: z.object({
      id: listIdDto,
      state: z.enum(outboxStates),
      storedCount: count,
      providerCount: count,
      work: workDto.optional(),
    }),
  }),
  z.object({
    topic: z.literal('inbox'),
    data: z.object({ id: listIdDto, folder: text, uid: count }),
  }),
  z.object({
    topic: z.literal('mailbox'),
    /** Which lists have changed. */
    data: z.object({ changed: z.enum(['messages', 'flags', 'folders', 'drafts', 'rules']) }),
  }),
  z.object({ topic: z.literal('wallet'), data: z.object({ balance: amount }) }),
  /** A contact, an invite or a key of `address`; our own address: settings, sub-addresses. */
  z.object({ topic: z.literal('contacts'), data: z.object({ address: addressText }) }),
  /** `message`: its number, when it is about one. */
  z.object({
    topic: z.literal('chat'),
    data: z.object({ conversation: listIdDto, message: count.optional() }),
  }),
  z.object({ topic: z.literal('upload'), data: uploadDto }),
  z.object({ topic: z.literal('incoming'), data: incomingEventDto }),
]);

export type ProblemDto = z.infer<typeof problemDto>;
export type HealthDto = z.infer<typeof healthDto>;
export type MilestoneRefDto = z.infer<typeof milestoneRefDto>;
export type StatusDto = z.infer<typeof statusDto>;
export type AddressDto = z.infer<typeof addressDto>;
export type AddressWithQrDto = z.infer<typeof addressWithQrDto>;
export type InviteRequestDto = z.infer<typeof inviteRequestDto>;
export type InviteDto = z.infer<typeof inviteDto>;
export type ContactDto = z.infer<typeof contactDto>;
export type AddContactDto = z.infer<typeof addContactDto>;
export type SendChoicesDto = z.infer<typeof sendChoicesDto>;
export type SendMessageDto = z.infer<typeof sendMessageDto>;
export type QueuedMessageDto = z.infer<typeof queuedMessageDto>;
export type OutboxItemDto = z.infer<typeof outboxItemDto>;
export type FolderDto = z.infer<typeof folderDto>;
export type MessageSummaryDto = z.infer<typeof messageSummaryDto>;
export type MessageDto = z.infer<typeof messageDto>;
export type SetFlagsDto = z.infer<typeof setFlagsDto>;
export type SyncReportDto = z.infer<typeof syncReportDto>;
export type WalletDto = z.infer<typeof walletDto>;
export type SendTokensDto = z.infer<typeof sendTokensDto>;
export type SentTokensDto = z.infer<typeof sentTokensDto>;
export type WalletLineDto = z.infer<typeof walletLineDto>;
export type OfferDto = z.infer<typeof offerDto>;
export type RentalDto = z.infer<typeof rentalDto>;
export type RentRequestDto = z.infer<typeof rentRequestDto>;
export type RentedDto = z.infer<typeof rentedDto>;
export type ClosedDto = z.infer<typeof closedDto>;
export type PageQueryDto = z.infer<typeof pageQueryDto>;
export type MessagesQueryDto = z.infer<typeof messagesQueryDto>;
export type ClientEventDto = z.infer<typeof clientEventDto>;
