/** Narrower than the kernel's rules: such a name needs no quoting in nft's text, nor anywhere else. */
export const isLinkName = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(name);
