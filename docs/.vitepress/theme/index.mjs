// The default theme with wider text, since the reference has wide tables.
import DefaultTheme from 'vitepress/theme';
import './style.css';

export default DefaultTheme;
