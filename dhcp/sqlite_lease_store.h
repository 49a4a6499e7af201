// The lease store on disk: SQLite in WAL mode with synchronous=FULL, written by a thread of its
// own.
#pragma once

#include <memory>
#include <string>

#include "dhcp/lease_store.h"

namespace pontoon::dhcp {

// Opens the file, or creates it with mode 0600 (its directory must exist), and locks it: a second
// daemon on the same file gets a clear error. Errors name the file: conflict (locked by another
// process), permission_denied, unsupported (written by a newer version), internal (corrupt or not a
// database).
//
// A full or failing disk makes submissions fail with a text; the next one is tried afresh, so the
// store recovers by itself. The destructor writes what is queued and joins the thread.
// `clock` is read only on the caller's thread.
Result<std::unique_ptr<LeaseStore>> open_sqlite_lease_store(const std::string& path,
                                                            const Clock& clock);

}  // namespace pontoon::dhcp
