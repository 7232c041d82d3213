import EventLoop
import Glibc
import Synchronization
