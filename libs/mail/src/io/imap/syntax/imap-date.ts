/**
 * Dates of IMAP: `7-Jul-1996` and `" 7-Jul-1996 02:44:25 -0700"`. Source: RFC 3501 §9.
 */
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Days since 1970 of a date without time; undefined for what is no date. */
export function readDay(text: string): number | undefined {
  const match = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/.exec(text);
  return match === null ? undefined : dayOf(match[1] ?? '', match[2] ?? '', match[3] ?? '');
}

/** Unix seconds; undefined for what is no date and time. */
export function readDateTime(text: string): number | undefined {
  const match =
    /^([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})$/.exec(text);
  if (match === null) return undefined;
  const [, day = '', month = '', year = '', ...rest] = match;
  const [hour = 0, minute = 0, second = 0] = rest.slice(0, 3).map(Number);
  const [zoneHour = 0, zoneMinute = 0] = rest.slice(4).map(Number);
  const days = dayOf(day.trim(), month, year);
  const isTime = hour < 24 && minute < 60 && second < 61 && zoneHour < 24 && zoneMinute < 60;
  if (days === undefined || !isTime) return undefined;
  const zone = (zoneHour * 60 + zoneMinute) * 60 * (rest[3] === '-' ? -1 : 1);
  return days * 86_400 + hour * 3_600 + minute * 60 + second - zone;
}

function dayOf(day: string, month: string, year: string): number | undefined {
  const at = MONTHS.findIndex((one) => one.toLowerCase() === month.toLowerCase());
  const time = Date.UTC(Number(year), at, Number(day));
  const date = new Date(time);
  // A 31 February must not become a day in March.
  const isReal = at >= 0 && date.getUTCDate() === Number(day) && date.getUTCMonth() === at;
  return isReal ? Math.floor(time / 86_400_000) : undefined;
}

/** INTERNALDATE of a message, in UTC: the store keeps no zone. */
export function formatDateTime(seconds: number): string {
  const date = new Date(seconds * 1_000);
  const day = String(date.getUTCDate()).padStart(2, ' ');
  const time = date.toISOString().slice(11, 19);
  return `"${day}-${MONTHS[date.getUTCMonth()]}-${date.getUTCFullYear()} ${time} +0000"`;
}
