/** Version of the program, as in the project's package.json. */
export const VERSION = '0.1.0';
