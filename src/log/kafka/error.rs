//! librdkafka's errors as the log's.

use rdkafka::types::RDKafkaErrorCode as Code;

use super::raw::{Failure, Refused};
use crate::log::LogError;

/// What was being done when it failed, for the text.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    /// The brokers as configured: what to look at when none answers.
    pub brokers: &'a str,
    /// Such as `creating topic "x"`.
    pub doing: &'a str,
    /// The topic it is about, empty where it is about none.
    pub topic: &'a str,
}

impl Context<'_> {
    /// An error of a request about topics, offsets or groups.
    pub fn error(&self, failure: Failure) -> LogError {
        let Context { brokers, doing, topic } = self;
        let text = &failure.text;
        match failure.code {
            Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownTopicId => {
                LogError::UnknownTopic((*topic).into())
            }
            Code::TopicAlreadyExists => LogError::TopicExists((*topic).into()),
            code if is_denied(code) => LogError::Denied(format!("{doing}: {text}")),
            code if is_invalid(code) => LogError::Invalid(format!("{doing}: {text}")),
            code if is_transient(code) => {
                LogError::Unavailable(format!("{doing}: {text} (brokers: {brokers})"))
            }
            _ if failure.retriable => LogError::Unavailable(format!("{doing}: {text} (brokers: {brokers})")),
            code => LogError::Other(format!("{doing}: {text} ({code:?})")),
        }
    }

    /// An error inside a transaction, or of a delivery: mostly, aborting and beginning again helps.
    pub fn transaction_error(&self, failure: Failure) -> LogError {
        let doing = self.doing;
        let text = &failure.text;
        match failure.code {
            code if is_fenced(code) => LogError::Fenced(format!("{doing}: {text}")),
            code if failure.fatal || code == Code::Fatal => LogError::Other(format!("{doing}: {text}")),
            code if is_denied(code) => LogError::Denied(format!("{doing}: {text}")),
            _ => LogError::Abortable(format!("{doing}: {text}")),
        }
    }
}

/// Settings that librdkafka refused. The name is the user's, so with the prefix.
pub(super) fn refused(refused: Refused) -> LogError {
    match refused.name.as_str() {
        "" => LogError::Invalid(format!("the Kafka client cannot be made: {}", refused.text)),
        name => LogError::Invalid(format!("setting \"kafka.{name}\": {}", refused.text)),
    }
}

/// Whether a newer writer took over.
pub(super) fn is_fenced(code: Code) -> bool {
    matches!(
        code,
        Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch | Code::TransactionCoordinatorFenced
    )
}

/// Whether trying again later may help without any change.
pub(super) fn is_transient(code: Code) -> bool {
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::MessageTimedOut
            | Code::TimedOutQueue
            | Code::RequestTimedOut
            | Code::Resolve
            | Code::Authentication
            | Code::SSL
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::BrokerNotAvailable
            | Code::ReplicaNotAvailable
            | Code::NetworkException
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::NotController
            | Code::UnstableOffsetCommit
            | Code::WaitingForCoordinator
            | Code::WaitCache
            | Code::InProgress
            | Code::PreviousInProgress
            | Code::ConcurrentTransactions
            | Code::KafkaStorageError
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::OffsetNotAvailable
            | Code::ThrottlingQuotaExceeded
            | Code::DestroyBroker
    )
}

fn is_denied(code: Code) -> bool {
    matches!(
        code,
        Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
            | Code::SaslAuthenticationFailed
    )
}

fn is_invalid(code: Code) -> bool {
    matches!(
        code,
        Code::InvalidTopic
            | Code::InvalidPartitions
            | Code::InvalidReplicationFactor
            | Code::InvalidReplicaAssignment
            | Code::InvalidConfig
            | Code::InvalidRequest
            | Code::InvalidArgument
            | Code::InvalidGroupId
            | Code::InvalidTransactionTimeout
            | Code::OffsetOutOfRange
            | Code::MessageSizeTooLarge
            | Code::NonEmptyGroup
            | Code::UnsupportedVersion
            | Code::PolicyViolation
            | Code::UnsupportedFeature
    )
}
