import { Button, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { texts } from '../words.ts';

/** One line for a pattern of files to leave out. `onDone` is called after each try, also one with nothing typed. */
export function PatternForm({
  onAdd,
  onDone,
  autoFocus = false,
  icon,
}: {
  onAdd: (pattern: string) => void;
  onDone?: () => void;
  autoFocus?: boolean;
  icon?: ReactNode;
}) {
  const [pattern, setPattern] = useState('');
  return (
    <form
      className="add-pattern"
      onSubmit={(event) => {
        event.preventDefault();
        const typed = pattern.trim();
        if (typed !== '') {
          onAdd(typed);
          setPattern('');
        }
        onDone?.();
      }}
    >
      <TextInput
        size="xs"
        autoFocus={autoFocus}
        aria-label={texts.rules.addLabel}
        placeholder={texts.rules.addHint}
        value={pattern}
        onChange={(event) => setPattern(event.currentTarget.value)}
      />
      <Button size="xs" type="submit" leftSection={icon}>
        {texts.rules.add}
      </Button>
    </form>
  );
}
