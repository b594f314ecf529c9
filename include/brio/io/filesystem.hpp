#pragma once
// Files by name: what they are, and changing directories. The rules of <brio/io/file.hpp> hold. The
// names are those of Python's os. A path is relative to the working directory; one with a 0 byte in
// it gets std::invalid_argument. std::system_error names the call and the path.

#include <brio/io/file.hpp>
#include <brio/version.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace brio::inline v0::io {

/// Of what a symbolic link leads to.
[[nodiscard]] file_status stat(std::string_view path);
/// Of the link itself.
[[nodiscard]] file_status lstat(std::string_view path);

/// Replaces what is there under the new name, in one step. EXDEV between file systems.
void rename(std::string_view from, std::string_view to);
/// Removes a name, not a directory's; the file goes with its last name and its last descriptor.
void unlink(std::string_view path);
/// `mode` less the umask.
void mkdir(std::string_view path, unsigned mode = 0777);
/// ENOTEMPTY when there is something in it.
void rmdir(std::string_view path);

struct directory_entry {
    std::string name;  // without the directory's
    file_type type;    // a symbolic link's own; unknown when the entry has just gone
};
/// What is in a directory, without "." and ".."; in no order. Done on a thread, under io_uring too:
/// when cancelled it throws at once, and the thread ends by itself.
[[nodiscard]] std::vector<directory_entry> scandir(std::string_view path);

}  // namespace brio::inline v0::io
