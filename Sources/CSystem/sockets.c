#define _GNU_SOURCE
#include "CSystem.h"

#include <linux/filter.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

_Static_assert(system_poll_hung_up == POLLRDHUP, "another system");

system_socket_facts system_look(int descriptor) {
  system_socket_facts facts = {0, false, false};
  struct tcp_info info;
  socklen_t size = sizeof info;
  memset(&info, 0, sizeof info);
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return facts;
  int unread = 0;
  facts.received = info.tcpi_bytes_received;
  // Every state but that of two open directions: what comes before it no accepted socket is in.
  facts.is_ended = info.tcpi_state != 1;
  facts.has_unread = ioctl(descriptor, SIOCINQ, &unread) == 0 && unread > 0;
  return facts;
}

bool system_has_unsent(int descriptor) {
  int unsent = 0;
  return ioctl(descriptor, SIOCOUTQ, &unsent) == 0 && unsent > 0;
}

void system_discard_on_close(int descriptor) {
  struct linger linger = {.l_onoff = 1, .l_linger = 0};
  setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

void system_reset(int descriptor) {
  // To "connect" to no address dissolves a connection (connect(2)); of one that stands Linux sends a reset.
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  connect(descriptor, &none, sizeof none);
}

bool system_peer(int descriptor, void *address) {
  struct sockaddr_storage peer;
  socklen_t size = sizeof peer;
  if (getpeername(descriptor, (struct sockaddr *)&peer, &size) != 0) return false;
  unsigned char *bytes = address;
  if (peer.ss_family == AF_INET) {
    memset(bytes, 0, 10);
    memset(bytes + 10, 0xff, 2);
    memcpy(bytes + 12, &((struct sockaddr_in *)&peer)->sin_addr, 4);
    return true;
  }
  if (peer.ss_family == AF_INET6) memcpy(bytes, &((struct sockaddr_in6 *)&peer)->sin6_addr, 16);
  return peer.ss_family == AF_INET6;
}

bool system_refuse_connections(int listening_descriptor) {
  // Drops packets with the SYN flag. A socket's filter sees the segment from its TCP header on; the flags are byte 13.
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x02, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
  };
  struct sock_fprog filter = {.len = sizeof program / sizeof program[0], .filter = program};
  return setsockopt(listening_descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}
