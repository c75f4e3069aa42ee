/**
 * The HTML of a mail as it may stand in a frame: elements, attributes and styles from closed lists,
 * images only as data, links only to the web and to addresses. It is the second barrier; the first
 * is the policy of the page that it stands in (body-page.ts). Before: body.controller.ts; after:
 * links.ts, safe-styles.ts. Spec: docs/spec/41-client-api.md, "HTML of a mail".
 */
import sanitize from 'sanitize-html';
import { hostOf, isDeceptive } from './links.ts';
import { SAFE_STYLES } from './safe-styles.ts';

/** Characters of HTML that are shown; nobody reads more, and cleaning takes time. */
export const MAX_HTML_LENGTH = 1 << 20;
/** Bytes of pictures that are put into the page. */
export const MAX_INLINE_BYTES = 16 << 20;
/** Elements within elements. */
const MAX_DEPTH = 100;
/** A picture that is no larger is there to be asked for, not to be seen. */
const MAX_BEACON_PIXELS = 3;

/** A picture that lies in the mail itself. */
export interface InlineImage {
  readonly contentType: string;
  readonly content: Uint8Array;
}

export interface SafeHtml {
  readonly html: string;
  /** Pictures of other hosts that are not loaded. */
  readonly blockedImages: number;
  /** It chooses colours itself, so that it has to stand on white paper. */
  readonly hasColours: boolean;
  /** Behind `MAX_HTML_LENGTH` there was more. */
  readonly isCut: boolean;
}

const TAGS = (
  'a abbr address article aside b big blockquote br caption center cite code col ' +
  'colgroup dd del details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 ' +
  'h5 h6 header hr i img ins kbd li main mark nav ol p pre q s samp section small span ' +
  'strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr'
).split(' ');
/** Elements that go with all that stands in them. */
const DROPPED_WHOLE = (
  'script style textarea option select xmp title noscript noembed noframes svg math ' +
  'iframe object template audio video canvas plaintext listing button map frameset ' +
  'applet'
).split(' ');
const SIZED = ['width', 'height', 'align', 'valign', 'bgcolor'];
const ATTRIBUTES: Record<string, string[]> = {
  '*': ['style', 'dir', 'lang', 'align'],
  a: ['href', 'target', 'rel', 'data-host', 'data-link'],
  img: ['src', 'alt', 'width', 'height', 'border'],
  span: ['data-blocked', 'role', 'aria-label'],
  font: ['color', 'face', 'size'],
  table: [...SIZED, 'border', 'cellpadding', 'cellspacing'],
  tr: SIZED,
  td: [...SIZED, 'colspan', 'rowspan', 'nowrap'],
  th: [...SIZED, 'colspan', 'rowspan', 'nowrap', 'scope'],
  col: ['span', 'width'],
  colgroup: ['span', 'width'],
  ol: ['start', 'type', 'reversed'],
  ul: ['type'],
};
const DATA_IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[a-z0-9+/=\s]*$/i;
/** No SVG: it is a document of its own. */
const IMAGE_TYPES = /^image\/(?:png|jpeg|gif|webp)$/i;
const LINK = /^(?:https?:\/\/|mailto:)/i;
const COLOUR_STYLE = /(?:^|[;\s-])(?:color|background)/i;

/** `images` by content id, without angle brackets. */
export function sanitise(html: string, images: ReadonlyMap<string, InlineImage>): SafeHtml {
  return new Cleaning(images).run(html);
}

interface SeenLink {
  readonly href: string;
  isDeceptive: boolean;
}

/** One run over one mail. */
class Cleaning {
  readonly #images: ReadonlyMap<string, InlineImage>;
  readonly #links: SeenLink[] = [];
  #inlineBytes = 0;
  #blocked = 0;
  #hasColours = false;

  constructor(images: ReadonlyMap<string, InlineImage>) {
    this.#images = images;
  }

  run(html: string): SafeHtml {
    const clean = sanitize(html.slice(0, MAX_HTML_LENGTH), {
      allowedTags: TAGS,
      allowedAttributes: ATTRIBUTES,
      allowedStyles: { '*': { ...SAFE_STYLES } },
      allowedSchemes: ['http', 'https', 'mailto'],
      allowedSchemesByTag: { img: ['data'] },
      allowProtocolRelative: false,
      disallowedTagsMode: 'discard',
      nonTextTags: DROPPED_WHOLE,
      nestingLimit: MAX_DEPTH,
      transformTags: {
        body: (_name, attribs) => ({ tagName: 'div', attribs: bodyOf(attribs) }),
        a: (_name, { href = '', ...rest }) => this.#link(href, rest),
        img: (_name, attribs) => this.#image(attribs),
        '*': (tagName, attribs) => this.#any(tagName, attribs),
      },
      exclusiveFilter: ({ tag, attribs, text }) => {
        this.#note(tag, attribs, text);
        return false;
      },
    });
    return {
      html: this.#markDeceptive(clean),
      blockedImages: this.#blocked,
      hasColours: this.#hasColours,
      isCut: html.length > MAX_HTML_LENGTH,
    };
  }

  #any(tagName: string, attribs: sanitize.Attributes): sanitize.Tag {
    const { style = '', background } = attribs;
    if (background !== undefined || /url\s*\(/i.test(style)) this.#blocked += 1;
    if ('bgcolor' in attribs || 'color' in attribs || COLOUR_STYLE.test(style)) {
      this.#hasColours = true;
    }
    return { tagName, attribs };
  }

  #image({ src = '', srcset, ...attribs }: sanitize.Attributes): sanitize.Tag {
    const inline = this.#inline(src.trim());
    if (inline !== undefined) return { tagName: 'img', attribs: { ...attribs, src: inline } };
    const { alt = '', style = '' } = attribs;
    if (src !== '' || srcset !== undefined) this.#blocked += 1;
    if (isBeacon(attribs)) return { tagName: 'span', attribs: {} };
    const label: sanitize.Attributes = alt === '' ? {} : { role: 'img', 'aria-label': alt };
    return { tagName: 'span', attribs: { 'data-blocked': '', style, ...label }, text: alt };
  }

  /** The picture as data; undefined for one that is not in the mail, or is too much. */
  #inline(src: string): string | undefined {
    if (DATA_IMAGE.test(src)) return this.#fits(src.length) ? src : undefined;
    if (!/^cid:/i.test(src)) return undefined;
    const image = this.#images.get(decoded(src.slice(4)));
    if (image === undefined || !IMAGE_TYPES.test(image.contentType)) return undefined;
    if (!this.#fits(image.content.length)) return undefined;
    const content = Buffer.from(image.content).toString('base64');
    return `data:${image.contentType.toLowerCase()};base64,${content}`;
  }

  #fits(sizeBytes: number): boolean {
    if (this.#inlineBytes + sizeBytes > MAX_INLINE_BYTES) return false;
    this.#inlineBytes += sizeBytes;
    return true;
  }

  /** Only to the web or to an address, in a window of its own, which is told nothing. */
  #link(written: string, { style }: sanitize.Attributes): sanitize.Tag {
    const looks: sanitize.Attributes = style === undefined ? {} : { style };
    const href = written.trim();
    if (!LINK.test(href)) return { tagName: 'span', attribs: looks };
    const number = this.#links.push({ href, isDeceptive: false }) - 1;
    const marks = { 'data-host': hostOf(href) ?? href.slice(7), 'data-link': `${number}` };
    const target = { href, target: '_blank', rel: 'noreferrer noopener' };
    return { tagName: 'a', attribs: { ...looks, ...target, ...marks } };
  }

  /** The text of a link is known at its end. */
  #note(tag: string, attribs: Readonly<Record<string, string>>, text: string): void {
    if (tag !== 'a') return;
    const link = this.#links[Number(attribs['data-link'])];
    if (link !== undefined) link.isDeceptive = isDeceptive(text, link.href);
  }

  /**
   * A link whose text names another host than it goes to loses its target; in front of it stands
   * where it goes, and behind that the link: it takes a second look and a second press.
   */
  #markDeceptive(clean: string): string {
    return clean.replaceAll(
      /<a ([^>]*?) data-link="(\d+)">/g,
      (_whole, rest: string, at: string) => {
        if (this.#links[Number(at)]?.isDeceptive !== true) return `<a ${rest}>`;
        const host = /data-host="([^"]*)"/.exec(rest)?.[1] ?? '';
        const href = /href="([^"]*)"/.exec(rest)?.[1] ?? '';
        return (
          `<details data-deceptive><summary>⚠ ${host}</summary><a ${rest}>${href}</a></details>` +
          '<a data-dead>'
        );
      },
    );
  }
}

/** What a `body` says of its colours holds for the part of the page that the mail is. */
function bodyOf({ style = '', bgcolor, text, ...rest }: sanitize.Attributes): sanitize.Attributes {
  const paper = bgcolor === undefined ? '' : `background-color:${bgcolor};`;
  const ink = text === undefined ? '' : `color:${text};`;
  return { ...rest, style: `${paper}${ink}${style}` };
}

function isBeacon({ width, height }: sanitize.Attributes): boolean {
  const isTiny = (side: string | undefined): boolean =>
    side !== undefined && Number.parseFloat(side) <= MAX_BEACON_PIXELS;
  return isTiny(width) || isTiny(height);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
