/**
 * BODYSTRUCTURE, BODY and ENVELOPE of FETCH from the offsets of core/mime. Source: RFC 3501 §7.4.2.
 * Before: core/mime/part.ts; next: the command FETCH.
 */
import { readEnvelopeFields } from '../../../core/mime/envelope-fields.ts';
import type { EnvelopeAddress } from '../../../core/mime/envelope-fields.ts';
import type { ParameterValue, Parameter } from '../../../core/mime/parameters.ts';
import type { MimePart } from '../../../core/mime/part.ts';
import { list, nstring, string } from './imap-text.ts';
import type { Octets, TextMode } from './imap-text.ts';

const NO_PART = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)';

/** The structure in answer to BODYSTRUCTURE, or to BODY without its extension fields. */
export function formatStructure(
  message: Uint8Array,
  part: MimePart,
  mode: TextMode & { readonly isExtended: boolean },
): Octets {
  if (part.type.toLowerCase() === 'multipart') {
    // The grammar knows no multipart without parts: one without is shown with an empty text.
    const children =
      part.children.length === 0
        ? NO_PART
        : part.children.map((child) => formatStructure(message, child, mode)).join('');
    const extension = mode.isExtended
      ? ` ${parametersOf(part.parameters, mode)}${tail(part, mode)}`
      : '';
    return `(${children} ${string(part.subtype, mode)}${extension})`;
  }
  const fields = [
    string(part.type, mode),
    string(part.subtype, mode),
    parametersOf(part.parameters, mode),
    nstring(part.id, mode),
    nstring(part.description, mode),
    string(part.encoding, mode),
    String(part.bodyEnd - part.bodyStart),
  ];
  const [inner] = part.children;
  if (part.isMessage && inner !== undefined) {
    fields.push(formatEnvelope(message, inner, mode), formatStructure(message, inner, mode));
    fields.push(String(part.lines));
  } else if (part.type.toLowerCase() === 'text') {
    fields.push(String(part.lines));
  }
  if (mode.isExtended) fields.push(`${nstring(part.md5, mode)}${tail(part, mode)}`);
  return list(fields);
}

/** Disposition, language and location: the extension fields that all parts have. */
function tail(part: MimePart, mode: TextMode): Octets {
  const { disposition, languages, location } = part;
  const language =
    languages.length > 1
      ? list(languages.map((tag) => string(tag, mode)))
      : nstring(languages[0], mode);
  return ` ${dispositionOf(disposition, mode)} ${language} ${nstring(location, mode)}`;
}

function dispositionOf(value: ParameterValue | undefined, mode: TextMode): Octets {
  if (value === undefined || value.word === '') return 'NIL';
  return list([string(value.word, mode), parametersOf(value.parameters, mode)]);
}

function parametersOf(parameters: readonly Parameter[], mode: TextMode): Octets {
  if (parameters.length === 0) return 'NIL';
  return list(parameters.flatMap(({ name, value }) => [string(name, mode), string(value, mode)]));
}

/** ENVELOPE of a message or of one that is attached. */
export function formatEnvelope(message: Uint8Array, part: MimePart, mode: TextMode): Octets {
  const envelope = readEnvelopeFields(message, part.fields);
  return list([
    nstring(envelope.date, mode),
    nstring(envelope.subject, mode),
    people(envelope.from, mode),
    people(envelope.sender, mode),
    people(envelope.replyTo, mode),
    people(envelope.to, mode),
    people(envelope.cc, mode),
    people(envelope.bcc, mode),
    nstring(envelope.inReplyTo, mode),
    nstring(envelope.messageId, mode),
  ]);
}

function people(addresses: readonly EnvelopeAddress[], mode: TextMode): Octets {
  if (addresses.length === 0) return 'NIL';
  const one = ({ name, mailbox, host, route }: EnvelopeAddress): Octets =>
    list([nstring(name, mode), nstring(route, mode), nstring(mailbox, mode), nstring(host, mode)]);
  return `(${addresses.map(one).join('')})`;
}
