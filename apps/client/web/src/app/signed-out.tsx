/** What a browser sees that the daemon does not know. */
import { useWords } from '../words/use-words.ts';
import './signed-out.css';

export function SignedOut() {
  const { shell } = useWords();
  return (
    <main className="signed-out">
      <h1>{shell.signedOut}</h1>
      <p>{shell.signedOutHint}</p>
      <code className="mono">tanglemail web</code>
    </main>
  );
}
