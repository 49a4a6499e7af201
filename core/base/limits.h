// Every table, queue, loop and retry has a named bound. Reaching one is counted and tested.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "core/base/time.h"

namespace pontoon::limits {

using namespace std::chrono_literals;

// Frames and the switch
constexpr std::size_t kFrameHeadroom = 128;            // room for headers that are added in front
constexpr std::size_t kSmallFrameBytes = 2048;         // one MTU-1500 frame with headroom
constexpr std::size_t kLargeFrameBytes = 65536 + 512;  // one super-frame with headroom
constexpr std::size_t kPoolFrames = 8192;  // frames in flight per network, small and large together
constexpr std::size_t kPortsPerNetwork = 1024;
constexpr std::size_t kTurnFramesPerPort =
    64;  // pulled per port and turn, so that none starves another
constexpr std::size_t kTurnTimers = 1024;
constexpr std::size_t kTurnFlows = 256;         // flows pumped per turn
constexpr std::size_t kPortQueueFrames = 1024;  // waiting to leave one port
constexpr std::size_t kPacketBatch = 16;        // frames per recvmmsg and sendmmsg
constexpr int kPacketBufferBytes = 8 << 20;     // of a packet socket: 120 super-frames each way
constexpr std::size_t kMacsPerPort = 16;
constexpr Duration kFdbAge = 300s;                     // IEEE 802.1D default ageing time
constexpr std::uint32_t kStormFramesPerSecond = 5000;  // broadcast and multicast, per port
constexpr std::uint32_t kStormBurst = 1000;
constexpr std::size_t kImpairedFrames = 4096;   // that an impairment holds, per port and direction
constexpr std::size_t kImpairments = 256;       // rules per network
constexpr Duration kImpairmentDelay = 60s;      // longest delay=
constexpr std::size_t kImpairmentSteps = 4096;  // of one script

// Packets
constexpr std::size_t kIpv6ExtensionHeaders = 8;  // walked over in one packet
constexpr std::size_t kGsoSegments = 2048;        // cut from one super-frame
constexpr std::size_t kNdpOptions = 32;           // looked at in one message
constexpr std::size_t kNdpPrefixes = 4;           // kept of one router advertisement
constexpr std::size_t kNdpDnsServers = 4;         // kept of one router advertisement

// Gateway
constexpr std::size_t kNeighbours = 2048;
constexpr std::size_t kNeighbourQueue = 8;  // packets that wait for one resolution
constexpr unsigned kNeighbourProbes = 3;
constexpr Duration kNeighbourRetry = 1s;  // RFC 4861 RETRANS_TIMER
constexpr Duration kNeighbourReachable = 60s;
constexpr std::size_t kUdpServices = 16;  // ports bound at the gateway
constexpr std::size_t kReassemblies = 64;
constexpr std::size_t kReassembliesPerSource = 8;
constexpr std::size_t kFragmentsPerDatagram = 64;
constexpr Duration kReassemblyTimeout =
    15s;  // RFC 1122 asks for 60 to 120 s; a local link needs less
constexpr std::uint32_t kIcmpErrorsPerSecond = 100;  // RFC 1812 4.3.2.8; to one endpoint
constexpr std::uint32_t kIcmpErrorBurst = 50;
constexpr std::size_t kIcmpErrorBuckets = 256;  // per family; endpoints beyond that share

// Flows
constexpr std::size_t kTcpFlows = 65536;
constexpr std::size_t kTcpFlowsPerEndpoint = 16384;
constexpr std::size_t kTcpHalfOpenPerEndpoint = 1024;
constexpr std::size_t kTcpOutOfOrderBytes = 1 << 20;  // held per flow
constexpr Duration kTcpConnectTimeout = 60s;
constexpr Duration kTcpEstablishedIdle = 2h + 4min;  // RFC 5382 REQ-5
constexpr Duration kTcpTransitoryIdle = 4min;        // RFC 5382 REQ-5
constexpr Duration kTcpTimeWait = 2s;                // the host socket keeps the real TIME-WAIT
constexpr Duration kTcpInitialRto = 1s;              // RFC 6298 2.1
constexpr Duration kTcpMinRto = 200ms;
constexpr Duration kTcpMaxRto = 60s;
constexpr Duration kTcpReorderingWindow = 2ms;  // the floor of RFC 8985 6.2's
constexpr Duration kTcpTailProbe = 10ms;        // the floor of RFC 8985 7.2's PTO
constexpr unsigned kTcpTailProbes = 4;          // each waits twice as long as the one before
constexpr unsigned kTcpSteadyTimeouts = 4;      // of the floor, before it doubles
constexpr unsigned kTcpRetries = 14;
constexpr unsigned kTcpSynRetries = 5;
constexpr std::size_t kTcpOutOfOrderTotalBytes = 16 << 20;  // held by all flows of a network
constexpr std::size_t kTcpOutOfOrderPieces = 2048;          // frames that hold it, all flows
constexpr std::size_t kTcpOutOfOrderPiecesPerFlow = 512;
constexpr std::size_t kTcpTurnBytes = 256 << 10;        // toward one endpoint, per flow and turn
constexpr std::size_t kTcpSuperSegmentBytes = 65000;    // payload; with headers below 64 KiB
constexpr std::size_t kTcpSuperSegmentPieces = 64;      // bounds what a tiny MSS can amplify
constexpr std::uint32_t kTcpFlightBytes = 2 << 20;      // sent to an endpoint, not acknowledged
constexpr std::size_t kTcpSackRanges = 8;               // of one flow's scoreboard
constexpr std::uint16_t kTcpMinMss = 88;                // what an endpoint may ask for at least
constexpr Duration kTcpRoomPoll = 1ms;                  // while the host takes nothing; doubles
constexpr unsigned kTcpRoomPollDoublings = 10;          // up to 1 s
constexpr std::uint32_t kTcpResetsPerSecond = 1000;     // for segments of no connection
constexpr std::uint32_t kTcpChallengesPerSecond = 100;  // RFC 5961 7, all flows together
constexpr std::size_t kUdpFlows = 16384;
constexpr std::size_t kUdpFlowsPerEndpoint = 4096;
constexpr Duration kUdpIdle = 300s;  // RFC 4787 REQ-5
constexpr Duration kUdpDnsIdle = 20s;
constexpr std::size_t kEchoFlows = 1024;
constexpr Duration kEchoIdle = 60s;               // RFC 5508 REQ-2
constexpr std::size_t kPublishedUdpFlows = 4096;  // per publication
constexpr std::size_t kAcceptBatch = 64;
constexpr Duration kAcceptPause = 100ms;           // after EMFILE
constexpr std::size_t kReservedDescriptors = 512;  // that flows never take; an eighth if fewer
constexpr std::size_t kUdpPeersPerFlow = 64;       // whose datagrams are let in
constexpr std::size_t kUdpTrainSegments = 128;     // of one USO train; Linux makes no longer ones
constexpr std::size_t kEchoFlowsPerEndpoint = 64;
constexpr std::size_t kEchoPending = 64;          // requests of one flow that may be answered
constexpr std::size_t kDatagramBatch = 8;         // received per socket and visit, 64 KiB each
constexpr std::size_t kSocketErrorBatch = 16;     // taken per socket and visit
constexpr unsigned kEphemeralPortTries = 16;      // until both families have the same port
constexpr unsigned kSourcePortProbes = 256;       // until a client's flow is unique inside
constexpr std::size_t kServicePipeBytes = 65536;  // per direction of an in-process TCP service

// DHCP
constexpr std::size_t kDhcpMessageBytes = 1500;
constexpr std::size_t kDhcpParked = 1024;  // replies that wait for the disk
constexpr std::size_t kLeasesPerNetwork = 65536;
constexpr std::size_t kLeasesPerPort = 8;
constexpr Duration kDhcpOffer = 60s;
constexpr Duration kDhcpLease = 12h;
constexpr Duration kDhcpQuarantine = 10min;       // how long a declined address is not handed out
constexpr std::size_t kDhcpQuarantined = 256;     // per network; the oldest comes back early
constexpr std::size_t kDhcpHostName = 64;         // bytes kept of what option 12 claims
constexpr std::size_t kLeaseBatch = 256;          // submissions that wait for the writer thread
constexpr std::size_t kLeaseBatchesInFlight = 4;  // per network; later changes gather meanwhile
constexpr Duration kLeaseRetry = 1s;              // after a failed write

// DNS
constexpr std::size_t kDnsUdpPayload = 1232;  // DNS flag day 2020
constexpr std::size_t kDnsMessageBytes = 65535;
constexpr std::size_t kDnsTcpClients = 256;
constexpr std::size_t kDnsTcpClientsPerAddress = 32;
constexpr Duration kDnsTcpIdle = 10s;  // RFC 7766 6.2.3
constexpr std::size_t kDnsInFlight = 1024;
constexpr std::size_t kDnsInFlightPerClient = 256;
constexpr Duration kDnsForwardTimeout = 5s;
constexpr std::size_t kDnsCacheEntries = 10000;
constexpr Duration kDnsCacheMaxTtl = 24h;
constexpr std::size_t kDnsNamePointers = 64;      // compression pointers followed in one name
constexpr std::size_t kDnsAdditionalRecords = 8;  // looked at in a query
constexpr std::size_t kDnsAddressesPerAnswer = 64;
constexpr std::size_t kDnsWaiters = 4096;          // queries that wait for kDnsInFlight questions
constexpr std::size_t kDnsCacheEntryBytes = 4096;  // longer responses are not cached
constexpr Duration kDnsNegativeMaxTtl = 1h;        // RFC 2308 5 suggests one to three hours
constexpr Duration kDnsFailureTtl = 2s;            // RFC 2308 7.1: at most five minutes
// A container that comes back may have another address: clients should ask again soon, but a busy
// one should not ask for each request.
constexpr Duration kDnsLocalTtl = 5s;
constexpr Duration kDnsLocalNegativeTtl = 1s;  // clients wait for endpoints that are being started
constexpr std::size_t kDnsUpstreams = 3;       // MAXNS of resolv.conf(5)
constexpr std::size_t kDnsTcpQueryBytes = 4096;
constexpr std::size_t kDnsTcpBacklogBytes = 128 * 1024;  // unread answers at which reading stops
constexpr std::size_t kDnsTcpQueriesPerPump = 16;  // per session, so that none starves another

// Captures
constexpr std::size_t kCaptureBlock = 16 << 20;      // longest block of a file, or packet in it
constexpr std::size_t kCaptureInterfaces = 4096;     // declared by one file, all sections together
constexpr std::size_t kCaptures = 16;                // of one daemon at once
constexpr std::size_t kCaptureQueueBytes = 4 << 20;  // that a slow reader leaves waiting
constexpr std::size_t kCapturePendingFrames = 1024;  // of one turn, before they are written
constexpr std::size_t kCaptureDeparted = 4096;       // endpoints that have gone, remembered by name
constexpr std::size_t kRecorderBytes = 4 << 20;      // per network, unless --recorder says other
constexpr std::size_t kRecorderMaxBytes = 256 << 20;
constexpr std::size_t kFilterTerms = 256;  // primitives and operators of one filter
constexpr std::size_t kFilterDepth = 32;   // of its parentheses and negations

// Captures of strangers (lab/adopt/adopt.h, lab/replay/adapt.h)
constexpr std::size_t kAdoptedStations = 4096;     // MAC addresses looked at in one capture
constexpr std::size_t kAdoptedEndpoints = 512;     // of these played as clients
constexpr std::size_t kAdoptedFlows = 4096;        // TCP and UDP flows looked at
constexpr std::size_t kAdoptedReplyBytes = 65536;  // kept of what a captured TCP server said
constexpr std::size_t kAdoptedResponses = 4096;    // DNS responses remembered
constexpr std::size_t kAdaptedFlows = 4096;        // conversations adapted at once; oldest goes

// Replay cases (lab/replay/case.h, lab/replay/replay.h)
constexpr std::size_t kCaseBytes = 1 << 20;  // of a case.toml
constexpr std::size_t kCaseActors = 1024;    // of each kind: services, clients, names, ...
constexpr std::size_t kReplayNotes = 50;     // about packets of one capture
constexpr Duration kReplayGap = 31 * 24h;    // longest silence that is played as it is
constexpr Duration kReplaySpan = 366 * 24h;  // virtual time of one replay
constexpr Duration kReplayClockSlack = 1s;   // that packets may be out of order
constexpr std::size_t kReplayFileBytes = 4'294'967'296;  // of a capture that is replayed

// Control
constexpr std::size_t kNetworks = 64;
constexpr std::size_t kEndpoints = 4096;
constexpr std::size_t kApiConnections = 128;
constexpr std::size_t kApiHeaderBytes = 8192;
constexpr std::size_t kApiBodyBytes = 64 * 1024;
constexpr Duration kApiTimeout = 30s;
constexpr std::size_t kAttachMessageBytes = 64 * 1024;
constexpr std::size_t kCommandBytes = 1024;     // kept of a command line, for listings
constexpr Duration kDaemonReturnWait = 10s;     // how long an agent waits for a daemon that died
constexpr Duration kReconnectInterval = 200ms;  // between an agent's tries
constexpr Duration kTerminateWait = 2s;         // from SIGTERM to SIGKILL for a command
constexpr unsigned kInterfaceNames = 1024;      // eth0 and up, tried until one is free
constexpr std::size_t kNameBytes = 63;          // a DNS label
constexpr std::size_t kPublishedPorts = 20000;

}  // namespace pontoon::limits
