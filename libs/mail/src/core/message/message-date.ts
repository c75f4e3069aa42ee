/**
 * RFC 5322 dates, read by rule and not by what a machine's locale makes of them.
 * Spec: docs/spec/23-envelope.md, section "Message".
 */

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
/** The zones that RFC 5322 section 4.3 gives a meaning; others count as +0000. */
const ZONES: Readonly<Record<string, number>> = {
  est: -300,
  edt: -240,
  cst: -360,
  cdt: -300,
  mst: -420,
  mdt: -360,
  pst: -480,
  pdt: -420,
};
const DAY = /^(?:[a-z]{3},)?\s*(\d{1,2})\s+([a-z]{3})\s+(\d{4})\s+/;
const TIME = /(\d{2}):(\d{2})(?::(\d{2}))?\s*([+-]\d{4}|[a-z]+)?/;
const PATTERN = new RegExp(DAY.source + TIME.source, 'i');

/** Unix seconds of a Date header's value, or undefined. Years 1900 to 9999. */
export function readDate(value: string): number | undefined {
  const match = PATTERN.exec(value.slice(0, 200).trim());
  if (!match) return undefined;
  const field = (at: number): number => Number(match[at] ?? 0);
  const [day, month, year] = [field(1), MONTHS.indexOf((match[2] ?? '').toLowerCase()), field(3)];
  const [hour, minute, second] = [field(4), field(5), field(6)];
  const isDate = day >= 1 && day <= 31 && month >= 0 && year >= 1900;
  if (!isDate || hour > 23 || minute > 59 || second > 60) return undefined;
  const minutes = hour * 60 + minute - zoneMinutes(match[7] ?? '');
  return daysSince1970(year, month + 1, day) * 86_400 + minutes * 60 + second;
}

/** Minutes east of Greenwich. */
function zoneMinutes(zone: string): number {
  const digits = /^([+-])(\d{2})(\d{2})$/.exec(zone);
  if (!digits) return ZONES[zone.toLowerCase()] ?? 0;
  const minutes = Number(digits[2]) * 60 + Number(digits[3]);
  return digits[1] === '-' ? -minutes : minutes;
}

/** Days of the proleptic Gregorian calendar: years begin in March, so leap days come last. */
function daysSince1970(year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const leapDays = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400);
  return shifted * 365 + leapDays + dayOfYear - 719_468;
}

/** The calendar's day of a number of days since 1970-01-01: `daysSince1970` the other way round. */
export function dayOf(days: number): { year: number; month: number; day: number } {
  const fromMarch = days + 719_468;
  const era = Math.floor(fromMarch / 146_097);
  const inEra = fromMarch - era * 146_097;
  const leapDays = Math.floor(inEra / 1_460) - Math.floor(inEra / 36_524);
  const years = Math.floor((inEra - leapDays + Math.floor(inEra / 146_096)) / 365);
  const inYear = inEra - (365 * years + Math.floor(years / 4) - Math.floor(years / 100));
  const march = Math.floor((5 * inYear + 2) / 153);
  const month = march < 10 ? march + 3 : march - 9;
  const day = inYear - Math.floor((153 * march + 2) / 5) + 1;
  return { year: era * 400 + years + (month > 2 ? 0 : 1), month, day };
}

const DAY_NAMES = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** A time (milliseconds since 1970, to the year 9999) as RFC 5322 §3.3 writes it, in UTC. */
export function dateText(timeMs: number): string {
  const seconds = Math.floor(timeMs / 1_000);
  const days = Math.floor(seconds / 86_400);
  const { year, month, day } = dayOf(days);
  const inDay = seconds - days * 86_400;
  const time = [Math.floor(inDay / 3_600), Math.floor(inDay / 60) % 60, inDay % 60]
    .map((part) => `${part}`.padStart(2, '0'))
    .join(':');
  // 1970 began on a Thursday.
  const name = DAY_NAMES[(days + 4) % 7];
  const [first = '', ...rest] = MONTHS[month - 1] ?? '';
  return `${name}, ${day} ${first.toUpperCase()}${rest.join('')} ${year} ${time} +0000`;
}
