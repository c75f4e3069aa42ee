/** The keyboard map to look at, made from the map itself, and its switch. */
import { useState } from 'react';
import { PageDialog } from '../ui/page-dialog.tsx';
import { useWords } from '../words/use-words.ts';
import { KeyCaps } from './key-caps.tsx';
import { type Group, GROUPS } from './shortcuts.ts';
import { areSingleKeysOn, chooseSingleKeys } from './single-keys.ts';

export function HelpDialog({ onClose }: { readonly onClose: () => void }) {
  const { keys } = useWords();
  return (
    <PageDialog title={keys.title} shape="wide" onClose={onClose}>
      <SingleKeys />
      <div className="help-groups">
        {(Object.keys(GROUPS) as Group[]).map((group) => (
          <div key={group}>
            <h3>{keys.groups[group]}</h3>
            <dl>
              {GROUPS[group].map((command) => (
                <div key={command}>
                  <dt>
                    <KeyCaps command={command} />
                  </dt>
                  <dd>{keys.commands[command]}</dd>
                </div>
              ))}
            </dl>
          </div>
        ))}
      </div>
    </PageDialog>
  );
}

function SingleKeys() {
  const { keys } = useWords();
  const [areOn, setOn] = useState(areSingleKeysOn);
  return (
    <label className="check">
      <input
        type="checkbox"
        checked={areOn}
        onChange={({ currentTarget }) => {
          chooseSingleKeys(currentTarget.checked);
          setOn(currentTarget.checked);
        }}
      />
      {keys.singleKeys}
    </label>
  );
}
