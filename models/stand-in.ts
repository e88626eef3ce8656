/** Recognizes what lies in a model's folder in a file's place after a clone without Git LFS, or a failed download. */

/**
 * Says what stands in for a file.
 * @param begins the file's first characters
 * @returns the rest of a sentence that begins with the file's path, and what to do; undefined for other content
 */
export function standIn(begins: string): string | undefined {
  if (begins.startsWith("version https://git-lfs"))
    return 'is only a Git LFS pointer to the file. Fetch it with "git lfs pull", or download it from its repository.';
  return /^\s*<(!doctype|html)/i.test(begins) ? "is a web page. Download the file again." : undefined;
}
