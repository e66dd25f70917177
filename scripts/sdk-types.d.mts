export function emitTypes(folder: string): Promise<void>;
