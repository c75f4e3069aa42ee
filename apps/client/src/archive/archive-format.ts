/** Forms of an archive, by name. After: archived-mail.ts. */
export const archiveFormats = ['mbox', 'json'] as const;
export type ArchiveFormat = (typeof archiveFormats)[number];
