/** Parts of forms: a field with its label, a choice of one, a switch, facts with their names. */
import type { ReactNode } from 'react';
import {
  Input,
  Label,
  Radio,
  RadioGroup,
  Switch as AriaSwitch,
  Text,
  TextField,
} from 'react-aria-components';
import { CopyButton } from './copy-button.tsx';
import './form.css';

export interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly hint?: string;
  readonly type?: 'text' | 'password';
  readonly maxLength?: number;
  readonly inputMode?: 'text' | 'decimal' | 'numeric';
}

export function Field({ label, hint, maxLength, inputMode, type = 'text', ...rest }: FieldProps) {
  return (
    <TextField {...rest} type={type} className="form-field" autoComplete="off">
      <Label>{label}</Label>
      <Input maxLength={maxLength} inputMode={inputMode} spellCheck={false} />
      {hint !== undefined && (
        <Text slot="description" className="form-hint">
          {hint}
        </Text>
      )}
    </TextField>
  );
}

export interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly { readonly id: T; readonly text: string }[];
  readonly onChange: (value: T) => void;
}

export function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  return (
    <RadioGroup
      className="form-choice"
      value={value}
      onChange={(id) => {
        const chosen = options.find((one) => one.id === id);
        if (chosen !== undefined) onChange(chosen.id);
      }}
    >
      <Label>{label}</Label>
      <div className="form-options">
        {options.map(({ id, text }) => (
          <Radio key={id} value={id} className="form-option">
            {text}
          </Radio>
        ))}
      </div>
    </RadioGroup>
  );
}

export interface SwitchProps {
  readonly isOn: boolean;
  readonly onChange: (isOn: boolean) => void;
  readonly isDisabled?: boolean;
  readonly children: ReactNode;
}

export function Switch({ isOn, onChange, isDisabled = false, children }: SwitchProps) {
  return (
    <AriaSwitch
      className="form-switch"
      isSelected={isOn}
      isDisabled={isDisabled}
      onChange={onChange}
    >
      <span aria-hidden className="form-switch-track" />
      <span>{children}</span>
    </AriaSwitch>
  );
}

export interface Fact {
  readonly name: string;
  readonly value: string;
  readonly isMono?: boolean;
  readonly canCopy?: boolean;
}

export function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl className="facts">
      {facts.map(({ name, value, isMono = false, canCopy = false }) => (
        <div key={name} className="fact">
          <dt>{name}</dt>
          <dd className={isMono ? 'mono figures' : 'figures'}>
            <span>{value}</span>
            {canCopy && <CopyButton text={value} name={name} />}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** A part of a screen with its heading. */
export function Panel({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ReactNode;
}) {
  return (
    <section className="panel" aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** Why something failed, said aloud once. */
export function Fault({ text }: { readonly text: string | undefined }) {
  if (text === undefined) return undefined;
  return (
    <p className="form-error" role="alert">
      {text}
    </p>
  );
}
