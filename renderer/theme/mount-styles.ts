// only the parts in use, in Mantine's order: the whole sheet is four times as large
import '@mantine/core/styles/baseline.layer.css';
import '@mantine/core/styles/default-css-variables.layer.css';
import '@mantine/core/styles/global.layer.css';
import '@mantine/core/styles/UnstyledButton.layer.css';
import '@mantine/core/styles/Button.layer.css';
import '@mantine/core/styles/ActionIcon.layer.css';
import '@mantine/core/styles/Loader.layer.css';
import '@mantine/core/styles/CloseButton.layer.css';
import '@mantine/core/styles/Overlay.layer.css';
import '@mantine/core/styles/Paper.layer.css';
import '@mantine/core/styles/Popover.layer.css';
import '@mantine/core/styles/Menu.layer.css';
import '@mantine/core/styles/ModalBase.layer.css';
import '@mantine/core/styles/Modal.layer.css';
import '@mantine/core/styles/Input.layer.css';
import '@mantine/core/styles/InlineInput.layer.css';
import '@mantine/core/styles/NumberInput.layer.css';
import '@mantine/core/styles/PasswordInput.layer.css';
import '@mantine/core/styles/Checkbox.layer.css';
import '@mantine/core/styles/Switch.layer.css';
import '@mantine/core/styles/Tabs.layer.css';
import '@mantine/core/styles/Tooltip.layer.css';
import 'uplot/dist/uPlot.min.css';
import '../styles/base.css';
import '../styles/parts.css';
import '../styles/frame.css';
import '../styles/overview.css';
import '../styles/folder.css';
import '../styles/blocks.css';
import '../styles/problems.css';
import '../styles/settings.css';
import '../styles/first-run.css';
import { adoptVariables } from './adopt-variables.ts';

/** All styles of the window, before its first drawing. */
export function mountStyles(): void {
  adoptVariables(document);
}
