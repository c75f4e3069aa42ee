/** Programs that are told of new mail. */
import { Webhook } from 'lucide-react';
import type { HookDto } from '../../../src/api/hook-dto.ts';
import { useData } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { Fault, Panel } from '../ui/form.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Empty } from '../ui/states.tsx';
import { useAction } from '../ui/use-action.ts';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';

export function HooksPage() {
  const { settings } = useWords();
  return (
    <Panel title={settings.hooks}>
      <p>{settings.hooksHint}</p>
      <Loaded<readonly HookDto[]> path="hooks">{(hooks) => <Hooks hooks={hooks} />}</Loaded>
    </Panel>
  );
}

function Hooks({ hooks }: { readonly hooks: readonly HookDto[] }) {
  const { settings } = useWords();
  const { api, resources } = useData();
  const { run, fault, isRunning } = useAction();
  if (hooks.length === 0) return <Empty icon={Webhook}>{settings.noHooks}</Empty>;
  return (
    <>
      <Fault text={fault} />
      <ul className="things">
        {hooks.map(({ id, target, folder, delivered, failed, lastError }) => {
          const name = target.kind === 'url' ? target.url : target.argv.join(' ');
          const facts = {
            folder: folder === '*' ? settings.allFolders : folder,
            told: delivered,
            failed,
          };
          return (
            <li key={id} className="thing">
              <span className="thing-text">
                <span className="mono">{name}</span>
                <small>{fill(settings.hookFacts, facts)}</small>
                {lastError !== '' && (
                  <small>{fill(settings.hookError, { error: lastError })}</small>
                )}
              </span>
              <Button
                kind="danger"
                isDisabled={isRunning}
                onPress={() =>
                  run(async () => {
                    await api.send(`hooks/${id}`, { method: 'DELETE' });
                    resources.invalidate('hooks');
                  }, settings.hookRemoved)
                }
              >
                {fill(settings.hookRemove, { name })}
              </Button>
            </li>
          );
        })}
      </ul>
    </>
  );
}
