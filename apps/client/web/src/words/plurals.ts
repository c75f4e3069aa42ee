/** Words that depend on a number, by the plural classes of a language (Unicode CLDR). */
export type Plurals = Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string };

/** Puts values in the place of `{name}`; a name without a value stays as it is. */
export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : `${value}`;
  });
}

/** The form of `plurals` for a count, with the count in it as the language writes numbers. */
export function countText(language: string, plurals: Plurals, count: number): string {
  const form = plurals[new Intl.PluralRules(language).select(count)] ?? plurals.other;
  return fill(form, { n: new Intl.NumberFormat(language).format(count) });
}
