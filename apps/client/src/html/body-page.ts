/**
 * The page that stands in the reader's frame: the cleaned mail, and around it what makes it
 * readable. The policy lets it ask nobody for anything, run no script and send no form, whatever
 * the cleaning has overlooked; it belongs to no origin. Before: body.controller.ts; after: the
 * browser. Spec: docs/spec/41-client-api.md, "HTML of a mail".
 */
import type { SafeHtml } from './sanitise.ts';

const POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
  // Links open windows of their own, which are free; scripts and everything else stay forbidden.
  'sandbox allow-popups allow-popups-to-escape-sandbox',
].join('; ');

/** Of the answer that carries the page. */
export const BODY_HEADERS = {
  'Content-Security-Policy': POLICY,
  'Content-Type': 'text/html; charset=utf-8',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  // Names of hosts in links shall not be looked up before anybody follows them.
  'X-DNS-Prefetch-Control': 'off',
} as const;

const LIGHT = { scheme: 'light', paper: '#fff', ink: '#14181f', link: '#075e5e', line: '#868e9c' };
const DARK = { scheme: 'dark', paper: '#141a22', ink: '#e8edf3', link: '#6fe0d5', line: '#6b7889' };

/** `isDark`: the page around it is dark; a mail with colours of its own stays on white paper. */
export function bodyPage({ html, hasColours }: SafeHtml, isDark: boolean): string {
  const { scheme, paper, ink, link, line } = isDark && !hasColours ? DARK : LIGHT;
  const style = `
:root { color-scheme: ${scheme}; background: ${paper}; color: ${ink}; }
body { margin: 16px; font: 14px/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
img, table { max-width: 100%; }
td, th { overflow-wrap: break-word; }
img { height: auto; }
pre { white-space: pre-wrap; }
blockquote { margin: 8px 0; padding-left: 12px; border-left: 2px solid ${line}; }
a { color: ${link}; }
a[data-host]:is(:hover, :focus-visible)::after {
  content: ' → ' attr(data-host); font-size: 12px; text-decoration: none;
}
details[data-deceptive] { display: inline-block; border: 1px solid ${line}; padding: 0 6px; }
[data-blocked] {
  display: inline-block; min-width: 24px; min-height: 24px; padding: 0 6px;
  border: 1px dashed ${line}; font-size: 12px;
}`;
  return (
    '<!doctype html><html><head><meta charset="utf-8">' +
    `<style>${style}</style></head><body>${html}</body></html>`
  );
}
