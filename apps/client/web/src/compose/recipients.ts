/** Recipients as people type or paste them. */

/**
 * One for each part between commas, semicolons or line ends; names around addresses are dropped.
 */
export function splitRecipients(text: string): string[] {
  const parts = text.split(/[,;\n]/).map((part) => {
    const inAngles = /<([^<>]+)>\s*$/.exec(part);
    return (inAngles?.[1] ?? part).trim();
  });
  return [...new Set(parts.filter((part) => part !== ''))];
}
