import { ActionIcon, Tooltip } from '@mantine/core';
import { Check, Copy } from 'lucide-react';
import { texts } from '../words.ts';
import { useCopy } from './use-copy.ts';

/** Copies a text and says so for a moment. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const { copy, copied } = useCopy();
  const Icon = copied ? Check : Copy;
  return (
    <Tooltip label={copied ? texts.common.copied : label}>
      <ActionIcon size="1.5rem" aria-label={label} onClick={() => copy(text)}>
        <Icon className="icon icon-small" aria-hidden="true" />
      </ActionIcon>
    </Tooltip>
  );
}
