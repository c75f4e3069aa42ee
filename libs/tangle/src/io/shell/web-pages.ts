/**
 * The pages as a daemon serves them: only what was built, under a policy that lets a page run its
 * own scripts and talk to its own daemon, and nothing else; and what tells a page which daemon it
 * came from. Used by the servers of client and node. Spec: docs/spec/41-client-api.md, "Pages".
 */
import type { ServerResponse } from 'node:http';
import type { HttpRequest, HttpResponse } from './http.ts';

/**
 * The one style that React Aria Components put into the page by themselves; a test reads it anew
 * from the library.
 */
export const ARIA_STYLE_HASH = 'sha256-38RhXrc7EdReTKsOm23ZPOCUgniTUUcjky8QOOrQx6o=';

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  `style-src 'self' '${ARIA_STYLE_HASH}'`,
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "frame-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  // Scanning the QR code of a contact is the one thing that a page asks the machine for.
  'Permissions-Policy':
    'camera=(self), clipboard-write=(self), geolocation=(), microphone=(), payment=(), usb=()',
} as const;

/** Files whose name changes with their content. */
const HASHED = /[/\\]assets[/\\]/;

/** For `express.static`. */
export const WEB_PAGE_OPTIONS = {
  dotfiles: 'ignore',
  redirect: false,
  cacheControl: false,
  setHeaders: (response: ServerResponse, path: string): void => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const isHashed = HASHED.test(path);
    response.setHeader('Cache-Control', isHashed ? 'max-age=31536000, immutable' : 'no-cache');
  },
} as const;

/** Where a page asks which of its faces the daemon stands behind. */
export const FACES_PATH = '/faces.json';

/** Express middleware that answers FACES_PATH with `{"faces":[…]}`, and passes on the rest. */
export function answerFaces(faces: readonly string[]) {
  const body = JSON.stringify({ faces });
  return (request: HttpRequest, response: HttpResponse, next: () => void): void => {
    if (request.method !== 'GET' || request.path !== FACES_PATH) {
      next();
      return;
    }
    response.set('Cache-Control', 'no-cache').set('X-Content-Type-Options', 'nosniff');
    response.status(200).type('application/json').send(body);
  };
}
