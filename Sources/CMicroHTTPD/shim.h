#pragma once

#include <microhttpd.h>

// Functions with open argument lists, which Swift does not see.

// Serves what comes in at a listening socket, which belongs to the server from now on, by one thread. NULL when the system has no thread or memory left.
static inline struct MHD_Daemon *millrace_http_start(
    int socket, unsigned int connections, unsigned int timeout_seconds, size_t memory, MHD_AccessHandlerCallback handle,
    MHD_NotifyConnectionCallback notify, void *context) {
    return MHD_start_daemon(
        MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, handle, context, MHD_OPTION_LISTEN_SOCKET, socket, MHD_OPTION_CONNECTION_LIMIT,
        connections, MHD_OPTION_CONNECTION_TIMEOUT, timeout_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,
        MHD_OPTION_NOTIFY_CONNECTION, notify, context, MHD_OPTION_END);
}

// The socket of a connection; -1 when it is not known.
static inline int millrace_http_socket(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

// A response with a copy of these bytes; NULL without memory.
static inline struct MHD_Response *millrace_http_response(const void *bytes, size_t count) {
    return MHD_create_response_from_buffer(count, (void *)bytes, MHD_RESPMEM_MUST_COPY);
}

// Constants whose names in Swift differ from one version of the library to the next.
static inline enum MHD_Result millrace_http_refused(void) { return MHD_NO; }
static inline int millrace_http_is_start(enum MHD_ConnectionNotificationCode event) { return event == MHD_CONNECTION_NOTIFY_STARTED; }
