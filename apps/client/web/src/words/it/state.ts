/** What state says, in Italian. */
import type { Words } from '../en.ts';

export const state = {
  loading: 'Caricamento',
  retry: 'Riprova',
  failed: 'Non è stato possibile caricare',
  copied: 'Copiato.',
  notCopied: 'Il browser non permette di copiare. Seleziona il testo e copialo.',
  kept: 'Resta visibile ciò che c’era prima.',
} satisfies Words['state'];
