/**
 * What the tests of every program's settings ask. Used by config.spec.ts of the programs.
 */
import { ConfigError, type Settings } from '../settings.ts';

/** The message of the ConfigError that `run` throws; 'no error' when it throws nothing. */
export function configMistake(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'no error';
}

/** Keys of settings that a person could not fill in: not described, or under another's flag. */
export function unclearSettings({ leaves }: Settings): string[] {
  return leaves
    .filter(({ flag, description, expected }) => {
      const isShared = leaves.some(
        (other) => other.flag === flag && other.description !== description,
      );
      const isUnclear = expected.includes('undefined') || expected === 'text of another form';
      return description === '' || isUnclear || isShared;
    })
    .map(({ key }) => key);
}
