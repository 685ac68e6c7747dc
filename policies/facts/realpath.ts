/** Where a path leads when every link is followed; `*` and `?` as in {@link FileRequest}. */
export type RealPathsRequest = {path: string};
/** Without doubles; empty when nothing is there. */
export type RealPathsFact = string[];
