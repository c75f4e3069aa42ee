/**
 * The ways known to make a page ask another host for something without anybody's doing. Used by
 * the tests of the cleaning and, in a real browser, of the policy.
 */

/** Each way once, by name; `url` is the beginning of what is asked for. */
export function remoteLoads(url: string): readonly (readonly [name: string, html: string])[] {
  const at = (path: string): string => `${url}/${path}`;
  const inStyle = (css: string): string => `<p style="${css}">x</p>`;
  const inSheet = (css: string): string => `<style>${css}</style><p class="t">x</p>`;
  const inSvg = (inner: string): string =>
    `<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9">${inner}</svg>`;
  return [
    ['img', `<img src="${at('img')}">`],
    ['img in capitals', `<IMG SRC='${at('img2')}'>`],
    ['img without scheme', `<img src="${at('img3').replace(/^https?:/, '')}">`],
    ['img lowsrc', `<img lowsrc="${at('lowsrc')}" dynsrc="${at('dynsrc')}">`],
    ['srcset', `<img srcset="${at('srcset')} 1x, ${at('srcset2')} 2x">`],
    ['picture', `<picture><source srcset="${at('picture')}"><img alt="x"></picture>`],
    ['body background', `<body background="${at('body')}">x</body>`],
    ['table background', `<table background="${at('table')}"><tr><td>x</td></tr></table>`],
    ['cell background', `<table><tr><td background="${at('td')}">x</td></tr></table>`],
    ['style background', inStyle(`background:url(${at('bg')})`)],
    ['style background-image', inStyle(`background-image:url('${at('bgi')}')`)],
    ['style with escapes', inStyle(`background:u\\72l(${at('escaped')})`)],
    ['style with a comment', inStyle(`background:/**/url(${at('comment')})/**/`)],
    ['style image-set', inStyle(`background-image:image-set('${at('set')}' 1x)`)],
    ['style list-style-image', `<ul style="list-style-image:url(${at('list')})"><li>x</ul>`],
    ['style cursor', inStyle(`cursor:url(${at('cursor')}),auto`)],
    ['style border-image', inStyle(`border:9px solid;border-image:url(${at('border')}) 9`)],
    ['style content', inStyle(`content:url(${at('content')})`)],
    ['style mask', inStyle(`mask:url(${at('mask')})`)],
    ['style filter', inStyle(`filter:url(${at('filter')}#f)`)],
    ['style variable', inStyle(`--u:url(${at('variable')});background:var(--u)`)],
    ['style element', inSheet(`.t{background:url(${at('sheet')})}`)],
    ['import', inSheet(`@import url(${at('import')});`)],
    ['import as text', inSheet(`@import '${at('import2')}';`)],
    ['font-face', inSheet(`@font-face{font-family:t;src:url(${at('font')})}.t{font-family:t}`)],
    ['generated content', inSheet(`.t::before{content:url(${at('before')})}`)],
    ['stylesheet link', `<link rel="stylesheet" href="${at('link')}">`],
    ['preload link', `<link rel="preload" as="image" href="${at('preload')}">`],
    ['prefetch link', `<link rel="prefetch" href="${at('prefetch')}">`],
    ['icon link', `<link rel="icon" href="${at('icon')}">`],
    ['manifest link', `<link rel="manifest" href="${at('manifest')}">`],
    ['preconnect link', `<link rel="preconnect" href="${at('')}">`],
    ['module preload', `<link rel="modulepreload" href="${at('module.js')}">`],
    ['meta refresh', `<meta http-equiv="refresh" content="0;url=${at('refresh')}">`],
    ['base', `<base href="${at('base/')}"><img src="relative">`],
    ['iframe', `<iframe src="${at('iframe')}"></iframe>`],
    ['iframe srcdoc', `<iframe srcdoc="<img src='${at('srcdoc')}'>"></iframe>`],
    ['frameset', `<frameset><frame src="${at('frame')}"></frameset>`],
    ['object', `<object data="${at('object')}"></object>`],
    ['embed', `<embed src="${at('embed')}">`],
    ['applet', `<applet code="${at('applet')}"></applet>`],
    ['video', `<video src="${at('video')}" autoplay></video>`],
    ['video poster', `<video poster="${at('poster')}"></video>`],
    ['audio', `<audio src="${at('audio')}" autoplay></audio>`],
    ['track', `<video><track default src="${at('track')}"></video>`],
    ['input image', `<input type="image" src="${at('input')}">`],
    ['svg image', inSvg(`<image href="${at('svg')}"/>`)],
    ['svg image by xlink', inSvg(`<image xlink:href="${at('xlink')}"/>`)],
    ['svg use', inSvg(`<use href="${at('use')}#a"/>`)],
    ['svg animate', inSvg(`<image><animate attributeName="href" to="${at('animate')}"/></image>`)],
    ['svg set', inSvg(`<image><set attributeName="href" to="${at('setto')}"/></image>`)],
    ['svg feImage', inSvg(`<filter id="f"><feImage href="${at('fe')}"/></filter>`)],
    ['svg style', inSvg(`<style>@import '${at('svgstyle')}';</style>`)],
    ['math', `<math><mi style="background:url(${at('math')})">x</mi></math>`],
    ['script', `<script src="${at('script')}"></script>`],
    ['script inline', `<script>new Image().src='${at('inline')}'</script>`],
    [
      'event attribute',
      `<img src="data:," onerror="this.onerror=null;this.src='${at('onerror')}'">`,
    ],
    ['form', `<form action="${at('form')}"><input name=a autofocus onfocus="submit()"></form>`],
    ['noscript', `<noscript><img src="${at('noscript')}"></noscript>`],
    ['comment end', `<!--><img src="${at('comment-end')}">-->`],
    ['title end', `<title><a alt="</title><img src=${at('title')}>"></title>`],
    ['raw text', `<xmp><p title="</xmp><img src=${at('xmp')}>"></xmp>`],
    ['table parts', `<table><img src="${at('foster')}"><tr><td>x</table>`],
  ];
}
